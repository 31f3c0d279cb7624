// The list of sales, kept up to date.
'use strict';

async function refresh() {
  const { json } = await shop.ask('GET', '/api/sales');
  for (const sale of json ? json.sales : []) {
    const card = document.querySelector(`[data-sale="${sale.id}"]`);
    if (!card) continue;
    const state = card.querySelector('[data-part=state]');
    state.dataset.state = sale.state;
    state.textContent = shop.states[sale.state];
    card.querySelector('[data-part=left]').textContent = shop.left(sale);
  }
}

shop.look();
refresh();
setInterval(() => { if (!document.hidden) refresh(); }, 3000);
