// What every page shares: the API, who is logged in, and refusals in words that say what to do.
'use strict';

const shop = {
  user: null,
  listeners: [],

  // The answer's body as `json`, or `problem` if it is a refusal or nothing of ours: one of the two. Never throws.
  async ask(method, path, body) {
    const init = { method, headers: {}, cache: 'no-store' };
    if (body !== undefined) {
      init.headers['Content-Type'] = 'application/json';
      init.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(path, init);
      const text = await response.text();
      let json = null;
      try { json = JSON.parse(text); } catch { /* Not ours: its status says enough. */ }
      if (response.ok && (json !== null || response.status === 204)) return { json };
      const { code, title, detail, order } = json || {};
      const wait = Number(response.headers.get('Retry-After')) || 0;
      return { json: null, problem: { code: code || 'unavailable', wait, title, detail, order } };
    } catch {
      return { json: null, problem: { code: 'no_answer', wait: 0 } };
    }
  },

  // A refusal as a sentence for a buyer.
  sentence(problem) {
    const seconds = problem.wait === 1 ? '1 second' : `${problem.wait || 5} seconds`;
    const sentences = {
      no_session: 'You are not logged in. Enter your name, then try again.',
      unauthorized: 'That is not the operator’s token. Check it, then try again.',
      challenge_failed: 'That was not the answer, or it came too late. Please solve the new sum.',
      rate_limited: `That was too often. Wait ${seconds}, then try again.`,
      sold_out: 'All are taken. If somebody does not pay in time, one comes back: stay here, this page will tell you.',
      limit_reached: 'You hold as many as one buyer may have. You find them under “My orders”.',
      not_open: 'The sale has not opened yet. Wait for the countdown, then try again.',
      paused: 'The sale is paused. Stay here: this page will tell you when it goes on.',
      closed: 'The sale is over. Have a look at what else is on sale.',
      link_expired: 'You took longer than the shop waits. Please press “Buy” again.',
      bad_link: 'Your place in line is no longer good. Please press “Buy” again.',
      not_payable: 'This order cannot be changed any more. Its present state is shown here.',
      no_order: 'The shop does not know this order. Look at “My orders” for the ones you have.',
      no_sale: 'There is no such sale any more. Have a look at what else is on sale.',
      cross_origin: 'This page was opened at another address than the shop’s own. Open the shop’s address, then try again.',
      no_answer: 'The shop could not be reached. Check your connection and try again: you will not buy twice.',
      unavailable: `The shop is very busy. Try again in ${seconds}: you will not buy twice.`,
      bad_request: 'The shop did not understand that. Check what you entered, then try again.',
      sale_exists: 'Another sale has this id. Choose another id.',
    };
    return sentences[problem.code] || 'Something went wrong. Load the page again and have another try.';
  },

  say(text, tone) {
    const message = document.getElementById('message');
    if (!message) return;
    message.hidden = !text;
    message.dataset.tone = tone || '';
    message.textContent = text || '';
  },

  // What stands in the way of what the visitor has just done: read next, wherever the focus was.
  refuse(text) {
    this.say(text);
    document.getElementById('message').focus();
  },

  // What stands in the way of what the page does by itself: it goes on trying, and this is gone when it has succeeded.
  trouble(problem) {
    const message = document.getElementById('message');
    if (message && (message.hidden || message.dataset.tone === 'trouble')) this.say(this.sentence(problem), 'trouble');
  },
  recover() {
    const message = document.getElementById('message');
    if (message && message.dataset.tone === 'trouble') this.say('');
  },

  async logIn(user) {
    const { problem } = await this.ask('POST', '/api/session', { user });
    if (problem) return this.refuse(this.sentence(problem));
    this.say('');
    await this.look();
    (document.getElementById('buying-title') || document.getElementById('main')).focus();
  },

  async logOut() {
    const { problem } = await this.ask('DELETE', '/api/session');
    if (problem) return this.trouble(problem);
    sessionStorage.clear();
    await this.look();
    document.getElementById('main').focus();
  },

  // Asks who is logged in and tells the page. No answer is not nobody: it asks again.
  async look() {
    clearTimeout(this.lookingAgain);
    const { json, problem } = await this.ask('GET', '/api/session');
    if (problem && problem.code !== 'no_session') {
      this.trouble(problem);
      this.lookingAgain = setTimeout(() => this.look(), 3000);
      return;
    }
    this.recover();
    this.user = problem ? null : json.user;
    this.showVisitor();
    for (const listener of this.listeners) listener();
  },

  // An order that is on its way to the ledger is in no list yet: this tab keeps its id until it is in one.
  keep(order) { sessionStorage.setItem(`order:${order}`, this.user); },
  forget(order) { sessionStorage.removeItem(`order:${order}`); },

  // The visitor's orders, those on their way first; nothing if the shop could not say.
  async orders() {
    const { json, problem } = await this.ask('GET', '/api/orders');
    if (problem) return { problem };
    for (const { order } of json.orders) this.forget(order);
    const kept = [];
    for (const key of Object.keys(sessionStorage)) {
      if (!key.startsWith('order:') || sessionStorage.getItem(key) !== this.user) continue;
      const id = key.slice('order:'.length);
      const { json: order, problem } = await this.ask('GET', `/api/orders/${id}`);
      if (order) kept.push(order);
      else if (problem.code === 'no_order') this.forget(id);
      else return { problem };
    }
    const [over, open] = [true, false].map((isOver) => kept.filter((order) => this.isFinal(order) === isOver));
    return { orders: [...open, ...json.orders, ...over] };
  },

  showVisitor() {
    const place = document.getElementById('visitor');
    place.replaceChildren();
    if (this.user === null) return;
    const name = document.createElement('bdi');
    name.textContent = this.user;
    const button = document.createElement('button');
    button.className = 'text';
    button.textContent = 'Log out';
    button.addEventListener('click', () => this.logOut());
    place.append(name, button);
  },

  states: {
    scheduled: 'Opens later', open: 'On sale', paused: 'Paused', sold_out: 'Sold out', rebuilding: 'One moment', closed: 'Over',
  },
  statuses: {
    queued: 'In line', awaiting_payment: 'To be paid', paid: 'Paid', expired: 'Not paid in time', cancelled: 'Cancelled',
    rejected: 'Not possible',
  },

  // An amount, which is in the currency's minor units, as the server's pages write it.
  price({ price, currency }) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    const { maximumFractionDigits: digits } = format.resolvedOptions();
    return `${(price / 10 ** digits).toFixed(digits)} ${currency}`;
  },

  left(sale) {
    if (sale.remaining === null || sale.state === 'closed') return '';
    return `${sale.remaining.toLocaleString('en')} of ${sale.stock.toLocaleString('en')} left`;
  },

  // What an order's status means for its buyer.
  explain(order) {
    const reasons = {
      lost: 'The shop lost your place in line after an accident. You were not charged. If there are any left, please buy again.',
      sold_out: 'The last one was gone. You were not charged.',
      limit_reached: 'You already held as many as one buyer may have. You were not charged.',
      undeliverable: 'The shop could not record it. You were not charged. If there are any left, please buy again.',
    };
    switch (order.status) {
      case 'queued': return 'One is held for you. It is being confirmed; you need not do anything.';
      case 'awaiting_payment': return 'It is yours if you pay in time.';
      case 'paid': return 'Paid. Thank you: it is yours.';
      case 'expired': return 'It was not paid in time and went back on sale. If there are any left, you may buy again.';
      case 'cancelled': return 'You cancelled it, and it went back on sale.';
      default: return reasons[order.reason] || 'It could not be honoured. You were not charged.';
    }
  },

  isFinal(order) { return order.status !== 'queued' && order.status !== 'awaiting_payment'; },

  // Time left as a clock shows it: 1:02:03.
  clock(milliseconds) {
    const all = Math.max(0, Math.ceil(milliseconds / 1000));
    const [days, hours, minutes, seconds] = [all / 86400, all / 3600 % 24, all / 60 % 60, all % 60].map(Math.floor);
    const two = (number) => String(number).padStart(2, '0');
    const time = hours || days ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
    return days ? `${days === 1 ? '1 day' : `${days} days`} ${time}` : time;
  },

  // The server's clock, as the quickest answer told it: each says a time that was later when it came.
  ahead: null,
  now() { return this.ahead === null ? Date.now() : performance.now() + this.ahead; },
  setClock(serverTime) {
    const ahead = Date.parse(serverTime) - performance.now();
    this.ahead = this.ahead === null ? ahead : Math.max(ahead, this.ahead);
  },

  // A form that logs in, shown while nobody is.
  loginForm() {
    const form = document.getElementById('login-here');
    if (!form) return;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.logIn(form.elements.user.value);
    });
    this.listeners.push(() => { form.hidden = this.user !== null; });
  },
};

shop.loginForm();
// Back from elsewhere, somebody else may be logged in, or nobody.
window.addEventListener('pageshow', (event) => { if (event.persisted) shop.look(); });
