// The visitor's orders, and what can be done with each.
'use strict';

const list = document.getElementById('orders');
const titles = new Map();
let orders = [];

async function refresh() {
  if (shop.user === null) {
    orders = [];
    list.replaceChildren();
    document.getElementById('empty').hidden = true;
    return;
  }
  const { json, problem } = await shop.ask('GET', '/api/orders');
  if (problem) return shop.say(shop.sentence(problem));
  if (json.orders.some((order) => !titles.has(order.sale))) {
    const { json } = await shop.ask('GET', '/api/sales');
    for (const sale of json ? json.sales : []) {
      titles.set(sale.id, sale.title);
      shop.setClock(sale.serverTime);
    }
  }
  orders = json.orders;
  show();
}

function show() {
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
  part('title').textContent = titles.get(order.sale) || order.sale;
  part('id').textContent = order.order;
  part('pay').addEventListener('click', () => settle('POST', `/api/orders/${order.order}/payment`));
  part('cancel').addEventListener('click', () => settle('DELETE', `/api/orders/${order.order}`));
  return card;
}

function fill(card, order) {
  const part = (name) => card.querySelector(`[data-part=${name}]`);
  part('state').dataset.state = order.status;
  part('state').textContent = shop.statuses[order.status];
  const left = order.payBy === null ? 0 : Date.parse(order.payBy) - shop.now();
  const isToBePaid = order.status === 'awaiting_payment';
  const text = isToBePaid && left > 0 ? `Pay within ${shop.clock(left)}.` : shop.explain(order);
  if (part('text').textContent !== text) part('text').textContent = text;
  part('actions').hidden = !isToBePaid || left <= 0;
}

async function settle(method, path) {
  shop.say('');
  const { problem } = await shop.ask(method, path);
  if (problem) shop.say(shop.sentence(problem));
  await refresh();
}

shop.listeners.push(refresh);
shop.look();
setInterval(() => { if (!document.hidden && orders.some((order) => !shop.isFinal(order))) refresh(); }, 2000);
setInterval(show, 1000);
