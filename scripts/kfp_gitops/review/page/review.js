"use strict";
(() => {
  const places = [...document.querySelectorAll(".picture")];
  const show = (place, link) => {
    const task = document.getElementById(link.getAttribute("href").slice(1));
    const chosen = place.querySelector(".chosen");
    if (!task) return;
    const copy = [...task.children].map((child) => child.cloneNode(true));
    chosen.replaceChildren(...copy);
    chosen.hidden = false;
    for (const other of place.querySelectorAll(".drawing a")) {
      const same = other.getAttribute("href") === link.getAttribute("href");
      other.classList.toggle("twin", same);
      if (same) other.setAttribute("aria-current", "true");
      else other.removeAttribute("aria-current");
    }
  };
  for (const place of places) {
    for (const link of place.querySelectorAll(".drawing a")) {
      link.addEventListener("focus", () => show(place, link));
      link.addEventListener("click", (event) => {
        event.preventDefault();
        show(place, link);
        place.querySelector(".chosen").scrollIntoView({ block: "nearest" });
      });
    }
  }
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
