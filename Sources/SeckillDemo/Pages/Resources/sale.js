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

// MARK: The sale

function showSale(next) {
  shop.setClock(next.serverTime);
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
  part('buying').hidden = isOver || (order !== null && !shop.isFinal(order) && sale.limitPerUser === 1);
  part('buy').hidden = shop.user === null;
  const asks = asksChallenge && shop.user !== null && sale.state === 'open' && keptLink() === null;
  part('challenge').hidden = !asks;
  part('answer').required = asks;
  if (asks && question === null) ask('captcha');
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
  if (json && json.state) showSale(json);
}

// MARK: The challenge

async function ask(kind) {
  question = { pending: true };
  const { json, problem } = await shop.ask('POST', `/api/sales/${id}/challenge`, { kind });
  if (problem) {
    question = null;
    shop.say(shop.sentence(problem));
    return null;
  }
  if (kind === 'work') return json;
  question = json;
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
  if (answer === null) return shop.say('Your device could not do it. Please load the page again.');
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
  shop.say(shop.sentence(refusal));
  if (refusal.code === 'no_session') await shop.look();
  if (refusal.code === 'challenge_failed' || question === null || question.pending) question = null;
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
  const { json, problem } = await shop.ask('POST', link.href);
  if (problem) {
    if (['link_expired', 'bad_link', 'closed', 'limit_reached'].includes(problem.code)) sessionStorage.removeItem(linkKey);
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
  if (shop.isFinal(order) && sale && sale.limitPerUser === 1 && order.status !== 'paid') question = null;
  tick();
  showBuying();
}

async function refreshOrder(orderID) {
  const { json } = await shop.ask('GET', `/api/orders/${orderID}`);
  if (json && json.status) showOrder(json);
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
    shop.say(shop.sentence(problem));
    refreshOrder(order.order);
  } else {
    showOrder(json);
    part('order-title').focus();
  }
}

async function findOrder() {
  if (shop.user === null) {
    order = null;
    part('order').hidden = true;
    return;
  }
  const { json } = await shop.ask('GET', '/api/orders');
  const mine = (json ? json.orders : []).filter((candidate) => candidate.sale === id);
  const found = mine.find((candidate) => !shop.isFinal(candidate)) || mine[0];
  if (found) showOrder(found);
}

// MARK: News

function listen() {
  if (events) events.close();
  events = new EventSource(`/api/sales/${id}/events`);
  events.addEventListener('open', () => poll(false));
  events.addEventListener('error', () => {
    poll(true);
    // Refused for good, by a proxy perhaps: try again later by ourselves.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 15000);
  });
  events.addEventListener('sale', (event) => showSale(JSON.parse(event.data)));
  events.addEventListener('order', (event) => {
    const told = JSON.parse(event.data);
    if (told.sale === id) showOrder(told);
  });
}

function poll(isOn) {
  clearInterval(polling);
  polling = isOn ? setInterval(() => {
    refreshSale();
    if (order && !shop.isFinal(order)) refreshOrder(order.order);
  }, 2000) : null;
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
  await findOrder();
  showBuying();
  listen();
});
refreshSale();
shop.look();
setInterval(tick, 250);
