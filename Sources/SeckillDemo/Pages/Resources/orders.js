// The visitor's orders, and what can be done with each.
'use strict';

const list = document.getElementById('orders');
const titles = new Map();
// What the shop last said; null until it has said something.
let orders = null;
let shownTo = null;

async function refresh() {
  const user = shop.user;
  if (user !== shownTo) {
    orders = null;
    list.replaceChildren();
    document.getElementById('empty').hidden = true;
    shownTo = user;
  }
  if (user === null) return;
  const { orders: found, problem } = await shop.orders();
  if (user !== shop.user) return;
  if (problem) {
    // Logged out elsewhere, or for too long.
    if (problem.code === 'no_session') return shop.look();
    return shop.trouble(problem);
  }
  for (const id of new Set(found.map((order) => order.sale).filter((id) => !titles.has(id)))) {
    const { json: sale } = await shop.ask('GET', `/api/sales/${id}`);
    if (user !== shop.user) return;
    if (!sale) continue;
    titles.set(sale.id, sale.title);
    shop.setClock(sale.serverTime);
  }
  shop.recover();
  tell(found);
  orders = found;
  show();
}

// What has changed by itself, for those who do not see it.
function tell(found) {
  const before = new Map((orders || []).map((order) => [order.order, order.status]));
  const news = found.filter((order) => before.has(order.order) && before.get(order.order) !== order.status);
  if (news.length === 0) return;
  document.getElementById('news').textContent = news
    .map((order) => `${titles.get(order.sale) || order.sale}: ${shop.statuses[order.status]}.`).join(' ');
}

function show() {
  if (orders === null) return;
  document.getElementById('empty').hidden = orders.length > 0;
  const known = new Map([...list.children].map((card) => [card.dataset.order, card]));
  orders.forEach((order, index) => {
    const card = known.get(order.order) || make(order);
    known.delete(order.order);
    if (list.children[index] !== card) list.insertBefore(card, list.children[index] || null);
    fill(card, order);
  });
  for (const card of known.values()) card.remove();
}

function make(order) {
  const card = document.getElementById('order-template').content.cloneNode(true).firstElementChild;
  card.dataset.order = order.order;
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  part('sale').href = `/sales/${order.sale}`;
  part('title').id = `title-${order.order}`;
  for (const name of ['pay', 'cancel']) part(name).setAttribute('aria-describedby', part('title').id);
  part('id').textContent = order.order;
  part('pay').addEventListener('click', () => settle(card, 'POST', `/api/orders/${order.order}/payment`));
  part('cancel').addEventListener('click', () => {
    if (confirm('Cancel this order? It goes back on sale.')) settle(card, 'DELETE', `/api/orders/${order.order}`);
  });
  return card;
}

function fill(card, order) {
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  part('title').textContent = titles.get(order.sale) || order.sale;
  part('state').dataset.state = order.status;
  part('state').textContent = shop.statuses[order.status];
  const left = order.payBy === null ? 0 : Date.parse(order.payBy) - shop.now();
  const isToBePaid = order.status === 'awaiting_payment';
  const text = isToBePaid && left > 0 ? `Pay within ${shop.clock(left)}.` : shop.explain(order);
  if (part('text').textContent !== text) part('text').textContent = text;
  part('actions').hidden = !isToBePaid || left <= 0;
}

async function settle(card, method, path) {
  shop.say('');
  const { problem } = await shop.ask(method, path);
  if (problem) shop.refuse(shop.sentence(problem));
  // The button that was pressed may be gone.
  else card.focus();
  await refresh();
}

shop.listeners.push(refresh);
shop.look();
setInterval(() => {
  if (!document.hidden && (orders === null || orders.some((order) => !shop.isFinal(order)))) refresh();
}, 2000);
setInterval(show, 1000);
