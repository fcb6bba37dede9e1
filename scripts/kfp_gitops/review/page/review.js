"use strict";
(() => {
  // Only what does scroll is a stop of the Tab key.
  const stops = () => {
    for (const each of document.querySelectorAll(".scroll, .diff")) {
      const scrolls = each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1;
      if (scrolls) each.tabIndex = 0;
      else each.removeAttribute("tabindex");
    }
  };
  const anchor = (link) => link.getAttribute("href").slice(1);
  const show = (place, link) => {
    const task = document.getElementById(anchor(link));
    if (!task) return null;
    const chosen = place.querySelector(".chosen");
    const back = document.createElement("button");
    back.type = "button";
    back.textContent = "Back to the picture";
    back.addEventListener("click", () => link.focus());
    chosen.replaceChildren(...[...task.children].map((child) => child.cloneNode(true)), back);
    chosen.hidden = false;
    chosen.onkeydown = (event) => {
      if (event.key === "Escape") link.focus();
    };
    for (const other of place.querySelectorAll(".drawing a")) {
      other.classList.toggle("twin", anchor(other) === anchor(link));
    }
    stops();
    const [box, panel] = [link.getBoundingClientRect(), chosen.getBoundingClientRect()];
    if (box.bottom > panel.top && box.top < panel.bottom) link.scrollIntoView({ block: "center", behavior: "instant" });
    return chosen;
  };
  for (const place of document.querySelectorAll(".picture")) {
    for (const link of place.querySelectorAll(".drawing a")) {
      link.addEventListener("focus", () => show(place, link));
      link.addEventListener("click", (event) => {
        const chosen = show(place, link);
        if (!chosen) return;
        event.preventDefault();
        chosen.focus();
      });
    }
  }
  stops();
  addEventListener("resize", stops);
  document.addEventListener("toggle", stops, true);
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
    opened = [];
  });
})();
