// Small charts, drawn as SVG.
'use strict';

const charts = {
  make(name, attributes) {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  },

  // A line of the last values, the newest at the right.
  line(svg, values, length) {
    svg.setAttribute('viewBox', `0 0 ${length - 1} 40`);
    svg.setAttribute('preserveAspectRatio', 'none');
    const top = Math.max(...values, 1e-9);
    const points = values.map((value, index) => `${length - values.length + index},${(38 - value / top * 34).toFixed(2)}`);
    const first = points.length ? points[0].split(',')[0] : 0;
    svg.replaceChildren(
      this.make('polygon', { points: `${first},40 ${points.join(' ')} ${length - 1},40`, fill: 'currentColor', opacity: 0.15 }),
      this.make('polyline', {
        points: points.join(' '), fill: 'none', stroke: 'currentColor', 'stroke-width': 2,
        'vector-effect': 'non-scaling-stroke', 'stroke-linejoin': 'round',
      }),
    );
  },

  // One bar of several parts: [[name, value, class]].
  stack(svg, parts) {
    const sum = parts.reduce((sum, [, value]) => sum + value, 0) || 1;
    let x = 0;
    svg.replaceChildren(...parts.map(([, value, kind]) => {
      const width = value / sum * 100;
      const bar = this.make('rect', { x, y: 0, width, height: 10, fill: 'currentColor', class: kind });
      x += width;
      return bar;
    }));
  },

  // A list of bars with their names and numbers, the same rows each time: [[name, value, class]].
  bars(list, rows) {
    const top = Math.max(1, ...rows.map(([, value]) => value));
    rows.forEach(([name, value, kind], index) => {
      const row = list.children[index] || list.appendChild(this.row(name, kind));
      // Rare and worth seeing: a bar is never thinner than a hair.
      row.querySelector('rect').setAttribute('width', value === 0 ? 0 : Math.max(0.6, value / top * 100));
      row.lastElementChild.textContent = value.toLocaleString('en');
    });
  },

  row(name, kind) {
    const [row, term, bar, number] = ['div', 'dt', 'dd', 'dd'].map((tag) => document.createElement(tag));
    term.textContent = name;
    bar.className = kind;
    bar.setAttribute('aria-hidden', 'true');
    const svg = this.make('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none' });
    svg.append(this.make('rect', { x: 0, y: 0, width: 0, height: 10, rx: 0.5, fill: 'currentColor' }));
    bar.append(svg);
    row.append(term, bar, number);
    return row;
  },
};
