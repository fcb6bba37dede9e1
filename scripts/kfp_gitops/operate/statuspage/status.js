(() => {
  const id = name => document.getElementById(name);
  const main = id("main"), form = id("filter"), fields = ["name", "team", "env", "needs"].map(id).filter(Boolean);
  const rows = [...document.querySelectorAll("#rows tbody tr")].map(row => ({
    row, text: row.cells[0].textContent.toLowerCase(), env: row.id.slice(0, row.id.indexOf(".")),
    team: row.dataset.t || "", needs: row.classList.contains("x"),
  }));
  const value = field => field && (field.type === "checkbox" ? (field.checked ? "1" : "") : field.value.trim());
  const wanted = () => Object.fromEntries(fields.map(field => [field.id, value(field)]));
  const fits = (one, by) => (!by.name || one.text.includes(by.name.toLowerCase()))
    && (!by.team || one.team === by.team) && (!by.env || one.env === by.env) && (!by.needs || one.needs);

  function show() {
    const by = wanted();
    let shown = 0;
    for (const one of rows) {
      const fit = fits(one, by);
      if (one.row.hidden === fit) one.row.hidden = !fit;
      shown += fit;
    }
    for (const body of document.querySelectorAll("#rows tbody")) body.hidden = !body.querySelector("tr:not([hidden])");
    id("shown").value = `${shown} of ${rows.length} rows`;
    return by;
  }
  function kept() {
    const by = show(), set = Object.entries(by).filter(([, found]) => found);
    history.replaceState(null, "", `#${new URLSearchParams(set)}`);
  }
  function restored() {
    const found = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) {
      const given = found.get(field.id) || "";
      if (field.type === "checkbox") field.checked = given === "1"; else field.value = given;
      if (field.value === null || field.selectedIndex === -1) field.value = "";
    }
    show();
  }
  if (rows.length) {
    form.hidden = false;
    form.addEventListener("input", kept);
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(kept));
    addEventListener("hashchange", () => {
      if (!location.hash.includes("=") && document.getElementById(decodeURIComponent(location.hash.slice(1)))?.hidden) {
        form.reset();
        show();
      }
    });
    if (location.hash.includes("=")) restored(); else show();
  }

  const seconds = text => (Date.now() - Date.parse(text)) / 1000;
  const told = age => age < 90 ? "a minute" : age < 5400 ? `${Math.round(age / 60)} minutes`
    : age < 172800 ? `${Math.round(age / 3600)} hours` : `${Math.round(age / 86400)} days`;
  const usual = period => 3 * (period || 28800);
  const page = Number(main.dataset.period), loaded = Date.now();
  let touched = 0;
  for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, () => { touched = Date.now(); });

  function aged() {
    for (const time of document.querySelectorAll("time")) time.title = `${told(seconds(time.dateTime))} ago`;
    const age = seconds(main.dataset.made), old = id("old");
    old.hidden = age <= usual(page);
    if (!old.hidden) {
      const text = `This page was made ${told(age)} ago${page ? `, and is to be made anew every ${told(page)}` : ""}: what it tells may be wrong by now.`;
      if (old.textContent !== text) old.textContent = text;
    }
    for (const card of document.querySelectorAll(".card[data-at]")) {
      const since = seconds(card.dataset.at), late = card.querySelector(".late");
      late.hidden = since <= usual(Number(card.dataset.period) || page);
      late.textContent = `It was looked at ${told(since)} ago.`;
    }
  }
  function again() {
    const box = document.querySelector("#reload input");
    const idle = Date.now() - touched > 60000 && !document.querySelector("#rows details[open]");
    if (box && box.checked && idle && Date.now() - loaded > Math.min(page, 300) * 1000) location.reload();
  }
  if (id("reload")) id("reload").hidden = false;
  aged();
  setInterval(() => { aged(); again(); }, 20000);
})();
