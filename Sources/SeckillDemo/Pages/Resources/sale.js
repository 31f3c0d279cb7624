// One sale: its countdown and stock, the challenge, the purchase, and what becomes of the order.
'use strict';

const page = document.getElementById('sale');
const part = (id) => document.getElementById(id);
const id = page.dataset.sale;
const asksChallenge = page.dataset.challenge === 'on';
const linkKey = `link:${id}`;

let sale = null;
let order = null;
let question = null;
let busy = false;
let events = null;
let polling = null;
let hurriedAt = 0;
let heardAt = 0;
let shownTo = null;

// MARK: The sale

function showSale(next) {
  shop.setClock(next.serverTime);
  // Answers and events overtake each other.
  if (sale && Date.parse(next.serverTime) < Date.parse(sale.serverTime)) return;
  const before = sale && sale.state;
  sale = next;
  const badge = part('state');
  badge.dataset.state = sale.state;
  badge.textContent = shop.states[sale.state];
  part('left').textContent = shop.left(sale);
  part('stock').max = Math.max(1, sale.stock);
  part('stock').value = sale.remaining === null ? 0 : sale.remaining;
  if (before && before !== sale.state) {
    const news = {
      open: 'The sale is open: you can buy now.', sold_out: 'Sold out. Stay here: one may come back.',
      paused: 'The sale is paused.', closed: 'The sale is over.',
    };
    part('news').textContent = news[sale.state] || '';
  }
  tick();
  showBuying();
}

function showBuying() {
  if (!sale) return;
  const isOver = sale.state === 'closed';
  const holdsOne = order !== null && (!shop.isFinal(order) || order.status === 'paid');
  part('buying').hidden = isOver || (holdsOne && sale.limitPerUser === 1);
  part('buy').hidden = shop.user === null;
  const asks = asksChallenge && shop.user !== null && sale.state === 'open' && keptLink() === null;
  part('challenge').hidden = !asks;
  part('answer').required = asks;
  if (asks && (question === null || isOld(question))) ask('captcha');
  const button = part('buy-button');
  button.disabled = busy || sale.state !== 'open';
  const texts = { scheduled: 'Not open yet', paused: 'Paused', sold_out: 'Sold out', rebuilding: 'One moment…' };
  button.dataset.buy ??= button.textContent;
  button.textContent = texts[sale.state] || button.dataset.buy;
}

function tick() {
  if (!sale) return;
  const countdown = part('countdown');
  const opens = Date.parse(sale.opensAt) - shop.now();
  const closes = sale.closesAt === null ? Infinity : Date.parse(sale.closesAt) - shop.now();
  if (sale.state === 'scheduled') {
    countdown.textContent = `Opens in ${shop.clock(opens)}`;
    if (opens <= 0) hurry(refreshSale);
  } else if (closes < 86400000 && sale.state !== 'closed') {
    countdown.textContent = `Ends in ${shop.clock(closes)}`;
    if (closes <= 0) hurry(refreshSale);
  } else {
    countdown.textContent = '';
  }
  countdown.hidden = countdown.textContent === '';
  if (order && order.status === 'awaiting_payment') {
    const left = Date.parse(order.payBy) - shop.now();
    part('deadline').textContent = left > 0 ? `Pay within ${shop.clock(left)}` : 'The time to pay is over.';
    if (left <= 0) hurry(() => refreshOrder(order.order));
  }
}

// The events will tell; should they not, every page asks at a moment of its own, for all of them wait for the same one.
function hurry(ask) {
  if (performance.now() - hurriedAt < 1000 + Math.random() * 2000) return;
  hurriedAt = performance.now();
  ask();
}

async function refreshSale() {
  const { json } = await shop.ask('GET', `/api/sales/${id}`);
  if (json) showSale(json);
}

// MARK: The challenge

// The shop forgets a question after two minutes. One that nobody has begun to answer is exchanged before.
function isOld(question) {
  return !question.pending && performance.now() - question.askedAt > 100000 && part('answer').value === '';
}

async function ask(kind) {
  question = { pending: true };
  const { json, problem } = await shop.ask('POST', `/api/sales/${id}/challenge`, { kind });
  if (problem) {
    question = null;
    shop.say(shop.sentence(problem));
    return null;
  }
  if (kind === 'work') return json;
  question = { id: json.id, askedAt: performance.now() };
  const drawing = new DOMParser().parseFromString(json.svg, 'image/svg+xml').documentElement;
  part('drawing').replaceChildren(document.importNode(drawing, true));
  part('answer').value = '';
  return json;
}

// The way of those who cannot see the drawing: the device finds a number, and nothing needs to be read.
async function letTheDeviceWork() {
  if (busy) return;
  setBusy('Your device is working: this takes a few seconds.');
  const asked = await ask('work');
  if (!asked) return setBusy(null);
  const answer = await new Promise((resolve) => {
    const worker = new Worker(page.dataset.work);
    worker.addEventListener('message', (event) => { worker.terminate(); resolve(event.data); });
    worker.addEventListener('error', () => { worker.terminate(); resolve(null); });
    worker.postMessage({ prefix: asked.prefix, bits: asked.bits });
  });
  setBusy(null);
  if (answer === null) return shop.refuse('Your device could not do it. Please load the page again.');
  await buy({ challenge: asked.id, answer });
}

// MARK: Buying

// A link buys one unit, however often it is posted: it is kept until it has, or is no longer good.
function keptLink() {
  try {
    const link = JSON.parse(sessionStorage.getItem(linkKey));
    return link && link.user === shop.user && Date.parse(link.expiresAt) > shop.now() ? link : null;
  } catch { return null; }
}

function setBusy(text) {
  busy = text !== null;
  part('working').hidden = !busy;
  part('working').textContent = text || '';
  showBuying();
}

async function buy(answer) {
  if (busy) return;
  shop.say('');
  setBusy('Asking the shop…');
  const refusal = await tryToBuy(answer);
  setBusy(null);
  if (!refusal) return;
  shop.refuse(shop.sentence(refusal));
  if (refusal.code === 'no_session') await shop.look();
  refreshSale();
  showBuying();
}

// The refusal, or nothing if there is an order.
async function tryToBuy(answer) {
  let link = keptLink();
  if (!link) {
    const { json, problem } = await shop.ask('POST', `/api/sales/${id}/link`, answer || {});
    question = null;
    if (problem) return problem;
    link = { ...json, user: shop.user };
    sessionStorage.setItem(linkKey, JSON.stringify(link));
  }
  // From here on there may be an order, whatever is answered, or whether anything is.
  shop.keep(link.order);
  const { json, problem } = await shop.ask('POST', link.href);
  if (problem) {
    // An earlier try may have bought it, and been answered by nobody.
    if (problem.order) await refreshOrder(link.order);
    const isBought = order !== null && order.order === link.order;
    if (isBought && order.status === 'queued') followOrder();
    if (isBought || ['link_expired', 'bad_link', 'closed', 'limit_reached'].includes(problem.code)) {
      sessionStorage.removeItem(linkKey);
    }
    return problem;
  }
  sessionStorage.removeItem(linkKey);
  showOrder({ ...json, payBy: null, reason: null, sale: id });
  part('order-title').focus();
  followOrder();
  return null;
}

// MARK: The order

function showOrder(next) {
  const states = ['queued', 'awaiting_payment', 'paid'];
  // News may come twice and out of order; a status never goes back.
  if (order && order.order === next.order) {
    const rank = (status) => { const at = states.indexOf(status); return at < 0 ? 3 : at; };
    if (rank(next.status) < rank(order.status)) return;
  } else if (order && !shop.isFinal(order) && shop.isFinal(next)) {
    return;
  }
  const changed = !order || order.order !== next.order || order.status !== next.status;
  order = next;
  part('order').hidden = false;
  const reached = states.indexOf(order.status);
  for (const step of part('steps').children) {
    const at = states.indexOf(step.dataset.step);
    step.className = reached < 0 ? 'stopped' : at < reached || order.status === 'paid' ? 'done' : '';
    if (at === reached && order.status !== 'paid') step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  }
  if (changed) part('order-text').textContent = shop.explain(order);
  const isToBePaid = order.status === 'awaiting_payment';
  part('order-actions').hidden = !isToBePaid;
  part('deadline').hidden = !isToBePaid;
  tick();
  showBuying();
}

async function refreshOrder(orderID) {
  const { json, problem } = await shop.ask('GET', `/api/orders/${orderID}`);
  if (json) showOrder(json);
  else if (problem.code === 'no_order') shop.forget(orderID);
}

// The events tell; should they stay silent, the order is asked about.
function followOrder() {
  const followed = order.order;
  setTimeout(function look() {
    if (!order || order.order !== followed || order.status !== 'queued') return;
    refreshOrder(followed);
    setTimeout(look, 2000);
  }, 1500);
}

async function settle(method, path) {
  shop.say('');
  part('pay').disabled = part('cancel').disabled = true;
  const { json, problem } = await shop.ask(method, path);
  part('pay').disabled = part('cancel').disabled = false;
  if (problem) {
    shop.refuse(shop.sentence(problem));
    refreshOrder(order.order);
  } else {
    showOrder(json);
    part('order-title').focus();
  }
}

async function findOrder() {
  const user = shop.user;
  if (user !== shownTo) {
    order = null;
    part('order').hidden = true;
    shownTo = user;
  }
  if (user === null) return;
  const { orders, problem } = await shop.orders();
  if (user !== shop.user) return;
  if (problem) {
    if (problem.code === 'no_session') return shop.look();
    shop.trouble(problem);
    setTimeout(() => { if (user === shop.user) findOrder(); }, 3000);
    return;
  }
  shop.recover();
  const mine = orders.filter((candidate) => candidate.sale === id);
  const found = mine.find((candidate) => !shop.isFinal(candidate)) || mine[0];
  if (!found) return;
  showOrder(found);
  if (order.status === 'queued') followOrder();
}

// MARK: News

// Only while the page is seen: a browser opens six connections to a host, and six tabs in the background would take all.
function listen() {
  if (events) events.close();
  if (document.hidden) return poll(false);
  poll(true);
  const stream = new EventSource(`/api/sales/${id}/events`);
  events = stream;
  stream.addEventListener('error', () => {
    poll(true);
    // Refused for good, by a proxy perhaps: try again later by ourselves.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => { if (events === stream) listen(); }, 15000);
  });
  // An open stream says nothing, for a proxy may be holding it back: its first event does.
  stream.addEventListener('sale', (event) => {
    poll(false);
    heardAt = performance.now();
    showSale(JSON.parse(event.data));
  });
  stream.addEventListener('order', (event) => {
    const told = JSON.parse(event.data);
    if (told.sale === id) showOrder(told);
  });
}

function refreshAll() {
  refreshSale();
  if (order && !shop.isFinal(order)) refreshOrder(order.order);
}

function poll(isOn) {
  clearInterval(polling);
  polling = isOn ? setInterval(refreshAll, 2000) : null;
}

// Nothing may have happened, or the stream has died without a word: look once.
function mindTheSilence() {
  if (document.hidden || polling !== null || performance.now() - heardAt < 40000) return;
  heardAt = performance.now();
  refreshAll();
}

part('buy').addEventListener('submit', (event) => {
  event.preventDefault();
  const isAsked = !part('challenge').hidden;
  buy(isAsked && question ? { challenge: question.id, answer: part('answer').value.trim() } : null);
});
part('another').addEventListener('click', () => { ask('captcha'); part('answer').focus(); });
part('work').addEventListener('click', letTheDeviceWork);
part('pay').addEventListener('click', () => settle('POST', `/api/orders/${order.order}/payment`));
part('cancel').addEventListener('click', () => settle('DELETE', `/api/orders/${order.order}`));

shop.listeners.push(async () => {
  question = null;
  listen();
  await findOrder();
  showBuying();
});
document.addEventListener('visibilitychange', () => {
  listen();
  if (!document.hidden) refreshAll();
});
window.addEventListener('pagehide', () => { if (events) events.close(); });
refreshSale();
shop.look();
setInterval(tick, 250);
setInterval(mindTheSilence, 10000);
