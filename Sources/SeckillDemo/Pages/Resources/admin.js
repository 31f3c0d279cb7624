// The operator's desk: one sale at a time, and what this node does.
'use strict';

const part = (id) => document.getElementById(id);
const length = 120;
const past = { arrivals: [], ledger: [], depth: [], p99: [] };
let sales = [];
// One that the address names is shown even if it is not among the sales that are listed.
let named = location.hash.slice(1) || null;
let chosen = named;
let before = null;
let rejectedShown = -1;
let state = null;
let isActing = false;
let refreshing = null;

// MARK: What the server says

// The samples of Prometheus's text, by name and labels as they are written.
function parse(text) {
  const samples = new Map();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ');
    if (line && line[0] !== '#' && at > 0) samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

function refusals(samples, route) {
  const found = {};
  for (const [name, value] of samples) {
    const match = name.match(/^seckill_refusals_total\{(.*)\}$/);
    if (!match || !match[1].includes(`route="${route}"`)) continue;
    found[match[1].match(/reason="([a-z_]+)"/)[1]] = value;
  }
  return found;
}

// The 99th percentile of the purchases since the last look, from the histogram's buckets.
function percentile(now, then) {
  const buckets = [];
  for (const [name, value] of now) {
    const match = name.match(/^seckill_request_seconds_bucket\{.*route="purchase".*le="([^"]+)"/)
      || name.match(/^seckill_request_seconds_bucket\{.*le="([^"]+)".*route="purchase"/);
    if (match) buckets.push([match[1] === '+Inf' ? Infinity : Number(match[1]), value - (then ? then.get(name) || 0 : 0)]);
  }
  buckets.sort((a, b) => a[0] - b[0]);
  const all = buckets.length ? buckets[buckets.length - 1][1] : 0;
  if (all === 0) return null;
  const found = buckets.find(([, count]) => count >= all * 0.99);
  return found[0] === Infinity ? 10 : found[0];
}

// MARK: What is shown

function showSale(report) {
  const sale = sales.find((sale) => sale.id === chosen);
  state = report.state;
  part('title').textContent = sale ? sale.title : chosen;
  part('public').href = `/sales/${chosen}`;
  part('state').dataset.state = report.state;
  part('state').textContent = shop.states[report.state];
  showButtons();
  part('remaining').textContent = report.remaining === null ? '?' : report.remaining.toLocaleString('en');
  part('of-stock').textContent = `of ${report.stock.toLocaleString('en')} left`;
  const units = [
    ['left', report.remaining || 0, 'c-remaining'], ['queued', report.pending || 0, 'c-pending'],
    ['to be paid', report.awaiting, 'c-awaiting'], ['paid', report.paid, 'c-paid'],
    ['coming back', report.returning, 'c-returning'],
  ];
  charts.stack(part('units'), units);
  part('units-key').replaceChildren(...units.map(([name, value, kind]) => {
    const item = document.createElement('li');
    item.className = kind;
    const text = document.createElement('span');
    text.textContent = `${value.toLocaleString('en')} ${name}`;
    item.append(document.createElement('i'), text);
    return item;
  }));
}

function showButtons() {
  part('pause').disabled = isActing || state === 'paused' || state === 'closed';
  part('resume').disabled = isActing || state !== 'paused';
  part('close').disabled = isActing || state === 'closed';
  for (const form of ['restock', 'create']) part(form).querySelector('button').disabled = isActing;
}

async function showRejected(report) {
  const sale = chosen;
  if (report.rejected === rejectedShown) return;
  let orders = [];
  if (report.rejected > 0) {
    const { json } = await shop.ask('GET', `/admin/sales/${sale}/rejections`);
    if (!json || sale !== chosen) return;
    orders = json.orders;
  }
  rejectedShown = report.rejected;
  part('rejected').hidden = report.rejected === 0;
  part('rejected-sum').textContent = report.rejected === 0 ? 'None.'
    : `${report.rejected.toLocaleString('en')}, of which ${report.deadLettered} could not be recorded. The latest:`;
  const reasons = {
    lost: 'Lost with the stock store, before it reached the ledger', sold_out: 'The ledger had no unit left for it',
    limit_reached: 'The ledger found its buyer over the limit', undeliverable: 'Dead-lettered: it could not be recorded',
  };
  part('rejected').tBodies[0].replaceChildren(...orders.map((order) => {
    const row = document.createElement('tr');
    for (const text of [`…${order.order.slice(-12)}`, order.user, reasons[order.reason] || order.reason]) {
      const cell = row.insertCell();
      const isolated = document.createElement('bdi');
      isolated.textContent = text;
      cell.append(isolated);
    }
    return row;
  }));
}

function showFunnel(samples) {
  const purchase = refusals(samples, 'purchase');
  const link = refusals(samples, 'link');
  const sum = (found, ...names) => names.reduce((sum, name) => sum + (found[name] || 0), 0);
  const arrived = samples.get('seckill_requests_total{route="purchase"}') || 0;
  const stopped = Object.values(purchase).reduce((sum, value) => sum + value, 0);
  charts.bars(part('funnel'), [
    ['Arrived', arrived, 'arrived'],
    ['Bad or late link', sum(purchase, 'bad_link', 'link_expired', 'no_sale'), 'stopped'],
    ['Not logged in', sum(purchase, 'no_session'), 'stopped'],
    ['Too often', sum(purchase, 'rate_limited'), 'stopped'],
    ['Sold out', sum(purchase, 'sold_out'), 'stopped'],
    ['Over the limit', sum(purchase, 'limit_reached'), 'stopped'],
    ['Not on sale', sum(purchase, 'not_open', 'paused', 'closed'), 'stopped'],
    ['Undecided', sum(purchase, 'unavailable'), 'stopped'],
    ['Accepted', arrived - stopped, 'passed'],
  ]);
  const asked = samples.get('seckill_requests_total{route="link"}') || 0;
  const refused = Object.values(link).reduce((sum, value) => sum + value, 0);
  charts.bars(part('links'), [
    ['Asked', asked, 'arrived'],
    ['Not logged in', sum(link, 'no_session'), 'stopped'],
    ['Too often', sum(link, 'rate_limited'), 'stopped'],
    ['Not on sale', sum(link, 'not_open', 'paused', 'closed', 'no_sale'), 'stopped'],
    ['Wrong answer', sum(link, 'challenge_failed'), 'stopped'],
    ['Undecided', sum(link, 'unavailable'), 'stopped'],
    ['Given', asked - refused, 'passed'],
  ]);
}

function push(name, value) {
  past[name].push(value);
  if (past[name].length > length) past[name].shift();
  charts.line(part(`${name}-line`), past[name], length);
}

function seconds(value) {
  if (value === null) return '–';
  return value < 1 ? `≤ ${Number((value * 1000).toPrecision(2))} ms` : `≤ ${value} s`;
}

function showRates(samples, report, at) {
  const recorded = report.awaiting + report.paid + report.expired + report.cancelled + report.rejected;
  const arrived = (samples.get('seckill_requests_total{route="purchase"}') || 0)
    + (samples.get('seckill_requests_total{route="link"}') || 0);
  const depth = samples.get('seckill_queue_depth') || 0;
  const age = samples.get('seckill_queue_age_seconds') || 0;
  if (before && before.sale === chosen) {
    const time = (at - before.at) / 1000;
    const p99 = percentile(samples, before.samples);
    push('arrivals', Math.max(0, (arrived - before.arrived) / time));
    push('ledger', Math.max(0, (recorded - before.recorded) / time));
    push('p99', p99 || 0);
    part('arrivals').textContent = Math.round(past.arrivals.at(-1)).toLocaleString('en');
    part('ledger').textContent = Math.round(past.ledger.at(-1)).toLocaleString('en');
    if (p99 !== null) part('p99').textContent = seconds(p99);
  }
  push('depth', depth);
  part('depth').textContent = depth.toLocaleString('en');
  part('age').textContent = `${age.toFixed(1)} s`;
  before = { at, samples, recorded, arrived, sale: chosen };
}

// MARK: The round

// One at a time; what is asked meanwhile is asked after it.
function refresh() {
  refreshing = (refreshing || Promise.resolve()).then(look, look);
  return refreshing;
}

async function look() {
  const list = await shop.ask('GET', '/api/sales?limit=500');
  if (list.json) showChoice(list.json.sales);
  const sale = chosen;
  if (sale === null) return;
  const { json: report, problem } = await shop.ask('GET', `/admin/sales/${sale}`);
  if (sale !== chosen) return;
  if (problem) {
    if (problem.code === 'unauthorized') return show(false);
    if (problem.code === 'no_sale') named = null;
    return shop.trouble(problem);
  }
  shop.recover();
  const at = performance.now();
  let samples = new Map();
  try { samples = parse(await (await fetch('/admin/metrics', { cache: 'no-store' })).text()); } catch { /* The next round may. */ }
  if (sale !== chosen) return;
  showSale(report);
  showFunnel(samples);
  showRates(samples, report, at);
  await showRejected(report);
}

function showChoice(next) {
  const isNew = next.map((sale) => sale.id).join() !== sales.map((sale) => sale.id).join();
  sales = next;
  const isThere = chosen !== null && (chosen === named || sales.some((sale) => sale.id === chosen));
  if (!isThere) chosen = sales.length ? sales[0].id : null;
  part('actions').hidden = chosen === null;
  if (!isNew) return;
  part('choice').replaceChildren(...sales.map((sale) => {
    const option = document.createElement('option');
    option.value = sale.id;
    option.textContent = `${sale.id}: ${sale.title}`;
    return option;
  }));
  if (chosen !== null) part('choice').value = chosen;
}

let isShown = false;
function show(isOpen) {
  isShown = isOpen;
  part('desk').hidden = !isOpen;
  part('token-form').hidden = isOpen;
}

async function round() {
  try {
    if (isShown && !document.hidden) await refresh();
  } finally {
    setTimeout(round, 1000);
  }
}

// MARK: What the operator does

async function act(method, path, body) {
  shop.say('');
  isActing = true;
  showButtons();
  const { problem } = await shop.ask(method, path, body);
  isActing = false;
  showButtons();
  if (problem) shop.refuse(words(problem));
  await refresh();
  return problem;
}

function isUndecided(problem) {
  return ['no_answer', 'unavailable', 'internal_error'].includes(problem.code);
}

// Every action of an operator can be repeated: what has happened does not happen again.
function words(problem) {
  if (problem.code === 'bad_request' && problem.detail) return `${problem.title}: ${problem.detail}`;
  return isUndecided(problem) ? 'No answer: it may have happened. Repeat it as it is: it is done once.' : shop.sentence(problem);
}

part('token-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const { problem } = await shop.ask('POST', '/admin/session', { token: part('token').value });
  part('token').value = '';
  if (problem) return shop.refuse(shop.sentence(problem));
  shop.say('');
  show(true);
  refresh();
});
part('leave').addEventListener('click', async () => {
  await shop.ask('DELETE', '/admin/session');
  show(false);
});
part('choice').addEventListener('change', () => {
  chosen = part('choice').value;
  location.hash = chosen;
  rejectedShown = -1;
  past.ledger.length = 0;
  refresh();
});
part('pause').addEventListener('click', () => act('POST', `/admin/sales/${chosen}/pause`));
part('resume').addEventListener('click', () => act('POST', `/admin/sales/${chosen}/resume`));
part('close').addEventListener('click', () => {
  if (confirm('Close this sale for ever? It cannot be opened again.')) act('POST', `/admin/sales/${chosen}/close`);
});
// A restock keeps its id until it is decided, so that units are added once. Another sale or amount is another restock.
let restock = { wish: '', id: '' };
part('restock').addEventListener('submit', async (event) => {
  event.preventDefault();
  const add = Number(part('add').value);
  const wish = `${chosen} ${add}`;
  if (restock.wish !== wish) {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(12)));
    restock = { wish, id: bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('') };
  }
  const problem = await act('POST', `/admin/sales/${chosen}/restock`, { add, id: restock.id });
  if (!problem || !isUndecided(problem)) restock.wish = '';
});
part('create').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = {};
  for (const { name, type, value } of part('create').elements) {
    if (!name || value === '') continue;
    body[name] = type === 'number' ? Number(value) : type === 'datetime-local' ? `${value.length === 16 ? `${value}:00` : value}Z` : value;
  }
  if (!(await act('POST', '/admin/sales', body))) {
    named = body.id;
    chosen = named;
    part('choice').value = chosen;
    part('create').reset();
    refresh();
  }
});

(async () => {
  const { problem } = await shop.ask('GET', '/admin/session');
  show(!problem);
  round();
})();
