// What every page shares: the API, who is logged in, and refusals in words that say what to do.
'use strict';

const shop = {
  user: null,
  listeners: [],

  // The answer's body and status; `problem` is set if it is a refusal. Never throws.
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
      try { json = text ? JSON.parse(text) : null; } catch { /* Not ours: its status says enough. */ }
      if (response.ok) return { status: response.status, json };
      const code = json && json.code || 'unavailable';
      const wait = Number(response.headers.get('Retry-After')) || 0;
      return { status: response.status, json, problem: { code, wait, order: json && json.order } };
    } catch {
      return { status: 0, json: null, problem: { code: 'no_answer', wait: 0 } };
    }
  },

  // A refusal as a sentence for a buyer.
  sentence(problem) {
    const seconds = problem.wait === 1 ? '1 second' : `${problem.wait || 5} seconds`;
    const sentences = {
      no_session: 'You are not logged in. Enter your name, then try again.',
      unauthorized: 'That is not the operator’s token. Check it, then try again.',
      challenge_failed: 'That was not the answer. Please solve the new sum.',
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

  async logIn(user) {
    const { problem } = await this.ask('POST', '/api/session', { user });
    if (problem) return this.say(this.sentence(problem));
    this.say('');
    await this.look();
  },

  async logOut() {
    await this.ask('DELETE', '/api/session');
    sessionStorage.clear();
    await this.look();
  },

  // Asks who is logged in and tells the page.
  async look() {
    const { json, problem } = await this.ask('GET', '/api/session');
    this.user = problem ? null : json.user;
    this.showVisitor();
    for (const listener of this.listeners) listener();
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

  // The server's clock, as the last answer told it. A page is never more than a network delay off.
  ahead: 0,
  now() { return Date.now() + this.ahead; },
  setClock(serverTime) { this.ahead = Date.parse(serverTime) - Date.now(); },

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
