// The list of sales, kept up to date.
'use strict';

const list = document.getElementById('sales');
let sales = [];

async function refresh() {
  const after = list.dataset.after;
  const { json } = await shop.ask('GET', after ? `/api/sales?after=${after}` : '/api/sales');
  if (!json) return;
  sales = json.sales;
  if (sales.length > 0) document.getElementById('empty')?.remove();
  for (const sale of sales) {
    shop.setClock(sale.serverTime);
    const card = list.querySelector(`[data-sale="${sale.id}"]`) || list.appendChild(make(sale));
    const state = card.querySelector('[data-part=state]');
    state.dataset.state = sale.state;
    state.textContent = shop.states[sale.state];
    card.querySelector('[data-part=left]').textContent = shop.left(sale);
  }
  tick();
}

// A sale that was not there when the page was loaded.
function make(sale) {
  const card = document.getElementById('card-template').content.cloneNode(true).firstElementChild;
  card.dataset.sale = sale.id;
  card.querySelector('a').href = `/sales/${sale.id}`;
  card.querySelector('bdi').textContent = sale.title;
  card.querySelector('.price').textContent = shop.price(sale);
  return card;
}

function tick() {
  for (const sale of sales) {
    const opens = list.querySelector(`[data-sale="${sale.id}"] [data-part=opens]`);
    const isToCome = sale.state === 'scheduled';
    opens.textContent = isToCome ? `Opens in ${shop.clock(Date.parse(sale.opensAt) - shop.now())}` : '';
    opens.hidden = !isToCome;
  }
}

shop.look();
if (list) {
  refresh();
  setInterval(() => { if (!document.hidden) refresh(); }, 3000);
  setInterval(tick, 1000);
}
