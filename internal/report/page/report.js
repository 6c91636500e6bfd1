"use strict";
// Every value is set as text, never as markup: names and errors come from outside.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const size = 100;
  const words = {create: ["created", "to create"], update: ["updated", "to update"], delete: ["deleted", "to delete"], clean: ["cleaned", "to clean"], none: ["unchanged", "unchanged"], conflict: ["in conflict", "in conflict"], orphan: ["orphan", "orphan"]};
  const marks = {create: "+", update: "~", delete: "-", clean: "-", none: "", conflict: "!", orphan: "?"};
  const kinds = {
    all: () => true, failed: r => r.s === "failed" && r.a !== "conflict", changed: r => r.a !== "none",
  };
  const rows = data.rows;
  for (const r of rows) {
    r.x = r.x || [];
    r.find = [r.t, r.w, ...r.x.map(i => data.causes[i])].join("\n").toLowerCase();
  }
  const concerned = (data.causes || []).map(() => 0);
  for (const r of rows) for (const i of r.x) concerned[i]++;
  const view = {kind: "all", cause: null, query: "", order: "problems", page: 0};

  const element = (name, cls, text) => {
    const e = document.createElement(name);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const number = n => n.toLocaleString("en-GB");
  const seconds = s => {
    if (s < 10) return s.toFixed(1) + " s";
    if (s < 60) return Math.floor(s) + " s";
    const whole = Math.floor(s), h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
    return h ? h + " h " + m + " min" : m + " min " + whole % 60 + " s";
  };
  const bad = r => r.s === "failed";
  const did = r => bad(r) && r.a !== "conflict" ? r.a + " failed" : words[r.a][r.s === "planned" ? 1 : 0];

  const section = document.getElementById("tables");
  const bar = element("div", "bar"), search = element("input"), order = element("select"), shown = element("span", "of");
  search.type = "search";
  search.placeholder = "Search tables, workflows, errors";
  search.setAttribute("aria-label", search.placeholder);
  order.setAttribute("aria-label", "Order");
  for (const [value, text] of [["problems", "Problems, then changes"], ["table", "By table"], ["slow", "Slowest first"]]) {
    const option = element("option", "", text);
    option.value = value;
    order.append(option);
  }
  const only = element("button", "only");
  only.type = "button";
  only.title = "Show all tables again";
  only.onclick = () => show({cause: null});
  bar.append(search, order, shown, only);
  const list = element("div"), pages = element("nav", "pages");
  pages.setAttribute("aria-label", "Pages");
  section.append(bar, list, pages);

  const rank = r => bad(r) ? 0 : r.a === "orphan" ? 1 : r.a === "none" ? 3 : 2;
  const pick = () => {
    const keep = kinds[view.kind] || (r => r.a === view.kind && (r.a === "conflict" || !bad(r)));
    const found = rows.filter(r => keep(r) && (view.cause === null || r.x.includes(view.cause)) && (!view.query || r.find.includes(view.query)));
    if (view.order === "slow") found.sort((a, b) => (b.d || 0) - (a.d || 0));
    if (view.order === "problems") found.sort((a, b) => rank(a) - rank(b));
    return found;
  };

  const row = r => {
    const tr = element("tr", r.a + (bad(r) ? " bad" : ""));
    const name = element("td", "name"), why = element("td", "why");
    name.append(element("b", "", r.t || r.w));
    if (data.workflows) {
      const a = element("a", "", r.w);
      a.href = data.workflows + encodeURIComponent(r.w);
      a.rel = "noreferrer";
      a.title = "Workflow in the Glue console";
      name.append(a);
    } else if (r.t) {
      name.append(element("a", "", r.w));
    }
    for (const i of r.x) {
      // A cause of several tables is shown in full once, above; a click lists its tables.
      const brief = concerned[i] > 1 && i < data.shown, e = element(brief ? "button" : "span", brief ? "error brief" : "error", data.causes[i]);
      if (brief) {
        e.type = "button";
        e.title = data.causes[i];
        e.onclick = () => show({kind: "all", cause: i});
      }
      why.append(e);
    }
    if (!r.x.length && r.y) why.append(element("span", "", r.y));
    if (r.c) {
      const diff = element("dl", "diff");
      for (const [parameter, before, after] of r.c) {
        const dd = element("dd");
        dd.append(element("s", "", before || "nothing"), " → " + (after || "nothing"));
        diff.append(element("dt", "", parameter), dd);
      }
      why.append(diff);
    }
    tr.append(element("td", "mark", marks[r.a]), name, element("td", "what", did(r)), why, element("td", "time", r.d ? seconds(r.d) : ""));
    return tr;
  };

  const head = () => {
    const tr = element("tr");
    for (const [cls, text] of [["mark", ""], ["name", "Table and workflow"], ["what", "Action"], ["why", "Reason"], ["time", data.dryRun ? "" : "Took"]]) tr.append(element("th", cls, text));
    const thead = element("thead");
    thead.append(tr);
    return thead;
  };

  const draw = () => {
    const found = pick(), last = Math.max(0, Math.ceil(found.length / size) - 1);
    view.page = Math.min(view.page, last);
    const from = view.page * size, part = found.slice(from, from + size);
    shown.textContent = found.length === rows.length ? number(rows.length) + (rows.length === 1 ? " table" : " tables") : number(found.length) + " of " + number(rows.length);
    only.hidden = view.cause === null;
    only.textContent = view.cause === null ? "" : "✕ " + data.causes[view.cause];
    list.replaceChildren();
    if (part.length) {
      const table = element("table", data.dryRun ? "plan" : ""), body = element("tbody");
      body.append(...part.map(row));
      table.append(head(), body);
      list.append(table);
    } else {
      list.append(element("p", "empty", "No table matches."));
    }
    pages.replaceChildren();
    if (last > 0) {
      const step = (text, to) => {
        const b = element("button", "", text);
        b.disabled = to < 0 || to > last;
        b.onclick = () => { view.page = to; draw(); section.scrollIntoView(); };
        return b;
      };
      pages.append(step("Back", view.page - 1), number(from + 1) + " – " + number(from + part.length), step("Next", view.page + 1));
    }
    for (const b of document.querySelectorAll("button.tile")) b.setAttribute("aria-pressed", b.dataset.kind === view.kind);
  };
  const show = change => { Object.assign(view, {page: 0}, change); draw(); };

  for (const tile of document.querySelectorAll(".tile")) {
    const b = element("button", tile.className);
    b.type = "button";
    b.dataset.kind = tile.dataset.kind;
    b.disabled = tile.classList.contains("zero");
    b.append(...tile.childNodes);
    b.onclick = () => show({kind: view.kind === b.dataset.kind ? "all" : b.dataset.kind, cause: null});
    tile.replaceWith(b);
  }
  for (const li of document.querySelectorAll("[data-cause]")) {
    const i = Number(li.dataset.cause), b = element("button", "", "Show in the list");
    if (concerned[i] < 2 || concerned[i] === rows.length) continue;
    b.type = "button";
    b.onclick = () => {
      search.value = "";
      show({kind: "all", cause: i, query: ""});
      section.scrollIntoView();
    };
    li.querySelector(".concerns").append(" ", b);
  }
  let typing;
  search.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(() => show({query: search.value.trim().toLowerCase()}), 80);
  };
  order.onchange = () => show({order: order.value});
  draw();

  // The timeline: one bar per change, in as many lanes as were under way at once.
  const timeline = document.getElementById("timeline");
  const bars = rows.filter(r => r.o !== undefined).sort((a, b) => a.o - b.o);
  if (!timeline || !bars.length) return;
  const begin = bars[0].o, end = Math.max(...[0.1], bars.reduce((m, r) => Math.max(m, r.o + (r.d || 0)), 0)), span = Math.max(end - begin, 0.1);
  const lanes = [];
  for (const r of bars) {
    let lane = lanes.findIndex(free => free <= r.o + 1e-6);
    if (lane < 0) lane = lanes.push(0) - 1;
    lanes[lane] = r.o + (r.d || 0);
    r.lane = lane;
  }
  const height = Math.max(3, Math.min(16, Math.floor(260 / lanes.length)));
  const plot = element("div", "plot"), canvas = element("canvas"), axis = element("div", "axis"), hint = element("p", "hint");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", timeline.querySelector("p").textContent);
  for (const part of [0, 0.25, 0.5, 0.75, 1]) axis.append(element("span", "", part ? seconds(span * part) : "0"));
  plot.append(canvas, axis);
  timeline.append(plot, hint);
  const rest = "Point at a bar to see its table; click it to find the table below.";
  hint.textContent = rest;
  const box = (r, width) => {
    const x = (r.o - begin) / span * width;
    return [x, r.lane * height, Math.max(1.5, (r.d || 0) / span * width - 1), height - (height > 5 ? 2 : 1)];
  };
  const paint = () => {
    const width = canvas.clientWidth, ratio = devicePixelRatio || 1, style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue("--" + name).trim();
    const colours = {create: colour("create"), update: colour("update"), delete: colour("delete"), clean: colour("none")}, red = colour("bad");
    canvas.width = width * ratio;
    canvas.height = lanes.length * height * ratio;
    canvas.style.height = lanes.length * height + "px";
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    for (const r of bars) {
      g.globalAlpha = bad(r) ? 1 : 0.75;
      g.fillStyle = bad(r) ? red : colours[r.a] || colours.clean;
      g.fillRect(...box(r, width));
    }
  };
  const at = e => {
    const b = canvas.getBoundingClientRect(), x = e.clientX - b.left, lane = Math.floor((e.clientY - b.top) / height);
    let best = null, near = 4;
    for (const r of bars) {
      if (r.lane !== lane) continue;
      const [left, , w] = box(r, b.width), off = Math.max(left - x, x - left - w, 0);
      if (off < near) [best, near] = [r, off];
    }
    return best;
  };
  canvas.onmousemove = e => {
    const r = at(e);
    canvas.style.cursor = r ? "pointer" : "";
    hint.textContent = r ? r.t + " · " + did(r) + " · " + seconds(r.d || 0) + ", from " + seconds(r.o - begin) : rest;
  };
  canvas.onmouseleave = () => { hint.textContent = rest; };
  canvas.onclick = e => {
    const r = at(e);
    if (!r) return;
    search.value = r.t;
    show({kind: "all", cause: null, query: r.t.toLowerCase()});
    section.scrollIntoView();
  };
  new ResizeObserver(() => requestAnimationFrame(paint)).observe(canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
})();
