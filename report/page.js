"use strict";
// Draws the charts of #data. All numbers were computed before.
(() => {
  const colors = ["#1f6fb4", "#e07b1a", "#2f9e54", "#c23b3b", "#7d5bb5", "#8a5a44", "#d062a8", "#5f6b78"];
  const grid = { stroke: "#e6eaef", width: 1 };
  const axis = { stroke: "#5b6675", grid, ticks: grid, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 20 };

  const short = v => {
    for (const [n, s] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(v) >= n) return +(v / n).toPrecision(4) + " " + s;
    }
    return String(+v.toPrecision(4));
  };
  const bytes = v => {
    for (const [n, s] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
      if (v >= n) return +(v / n).toPrecision(4) + " " + s;
    }
    return v + " B";
  };
  const formats = {
    percent: v => +(100 * v).toPrecision(3) + " %",
    ratio: v => String(+v.toPrecision(3)),
    count: short,
  };
  const tell = (format, v) => v == null ? "–" : format(v);

  // In a stack, each series is drawn as the sum of itself and those below, the
  // highest first, so that each covers the ones behind it.
  function stacked(lines) {
    const sums = [];
    lines.forEach((line, i) => sums.push(line.values.map((v, x) => (v ?? 0) + (i ? sums[i - 1][x] : 0))));
    return sums;
  }

  function draw(chart) {
    const box = document.querySelector(`#${CSS.escape(chart.id)} .plot`);
    const format = formats[chart.format];
    const xFormat = chart.bytes ? bytes : short;
    const values = chart.lines.map(l => l.values);
    const shown = chart.stack ? stacked(chart.lines) : values;
    const order = chart.lines.map((_, i) => i);
    if (chart.stack) order.reverse();
    const few = chart.x.length === 1;
    const series = order.map(i => ({
      label: chart.lines[i].name,
      stroke: colors[i % colors.length],
      width: chart.stack ? 1 : 1.5,
      fill: chart.stack ? colors[i % colors.length] : undefined,
      points: { show: few, size: 7 },
      spanGaps: false,
      value: (u, v, s, at) => tell(format, at == null ? null : values[i][at]),
    }));
    const plot = new uPlot({
      width: box.clientWidth,
      height: 280,
      cursor: { drag: { x: true, y: false }, points: { show: !chart.stack } },
      scales: {
        x: { time: false, distr: chart.bytes ? 3 : 1, log: chart.bytes ? 2 : 10 },
        y: { range: (u, min, max) => [0, max > 0 ? max * 1.05 : 1] },
      },
      axes: [
        { ...axis, label: chart.xLabel, values: (u, splits) => splits.map(v => v == null ? null : xFormat(v)), space: chart.bytes ? 64 : 80 },
        { ...axis, label: chart.yLabel, values: (u, splits) => splits.map(format), size: 64 },
      ],
      series: [{ label: chart.xLabel, value: (u, v) => tell(xFormat, v) }, ...series],
    }, [chart.x, ...order.map(i => shown[i])], box);
    new ResizeObserver(() => {
      if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: 280 });
    }).observe(box);
  }

  for (const chart of JSON.parse(document.getElementById("data").textContent)) draw(chart);
})();
