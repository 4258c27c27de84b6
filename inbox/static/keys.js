// Everything by key: through the list and from alert to alert, to each act of an alert, and to the other pages.
// `?` shows them all. The order of the alerts is that of the list as it was last seen; it holds numbers, never a patient.
(function () {
  "use strict";

  var SHEETS = { d: "sheet-acknowledge", o: "sheet-override", s: "sheet-snooze" };
  var FIELDS = { m: "#act-follow_up ~ form:last-of-type select", c: "#act-comment ~ form textarea" };
  var going = false; // whether `g` was pressed just now

  function isOn() { return localStorage.getItem("keys") !== "off"; }

  function links() { return Array.from(document.querySelectorAll(".alert-link")); }

  function order() { return JSON.parse(sessionStorage.getItem("order") || "[]"); }

  function beside(step) { // the alert before or after this one in the list
    var all = order(), at = all.indexOf(location.pathname);
    return at < 0 ? null : all[at + step] || null;
  }

  function move(step) {
    var all = links();
    if (!all.length) {
      var other = beside(step);
      if (other) { location.href = other; }
      return;
    }
    var at = all.indexOf(document.activeElement);
    var next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[next].focus();
  }

  function sheetAround(element) { return element.closest("details.act[open]"); }

  function unfold(sheet, field) {
    onlyOne(sheet);
    sheet.open = true;
    (field || sheet.querySelector(".panel :is(input:not([type=hidden]), select, textarea, button)")).focus();
  }

  function act(key) {
    var sheet = SHEETS[key] && document.getElementById(SHEETS[key]);
    var field = FIELDS[key] && document.querySelector(FIELDS[key]);
    var button = (key === "a" || key === "t") && document.querySelector("#main [data-key=" + key + "]");
    if (sheet) { unfold(sheet); } else if (field) { unfold(field.closest("details.act"), field); } else if (button) { button.click(); }
    return Boolean(sheet || field || button);
  }

  function onTheList(key) { // an act on the alert that has the focus: its page, with that act unfolded
    var link = document.activeElement.closest(".alert-link");
    if (link) { location.href = link.getAttribute("href") + "#" + key; }
    return Boolean(link);
  }

  function choose(sheet, digit) {
    var radio = sheet.querySelectorAll(".panel input[type=radio]")[digit - 1];
    if (radio) { radio.checked = true; radio.focus(); }
    return Boolean(radio);
  }

  function go(key) {
    var link = document.getElementById("go-" + key);
    if (link) { link.click(); }
    return Boolean(link);
  }

  function view(digit) { // a saved filter of the list
    var link = document.querySelectorAll(".views a.view")[digit - 1];
    if (link) { location.href = link.href; }
    return Boolean(link);
  }

  function close(sheet) {
    sheet.open = false;
    sheet.querySelector("summary").focus();
  }

  function pressed(event) {
    var key = event.key, sheet = sheetAround(event.target), waited = going;
    going = false;
    if (key === "Escape" && sheet) { close(sheet); return true; }
    if (event.target.closest("textarea, select, dialog[open], input:not([type=radio], [type=checkbox])")) { return false; }
    if (sheet) { return /^[1-9]$/.test(key) && choose(sheet, Number(key)); }
    if (waited) { return go(key); }
    if (key === "g") { going = true; return true; }
    if (key === "j" || key === "k") { move(key === "j" ? 1 : -1); return true; }
    if (key === "u" && document.getElementById("back")) { document.getElementById("back").click(); return true; }
    if (key === "?" && document.getElementById("key-help")) { document.getElementById("key-help").showModal(); return true; }
    if (/^[1-9]$/.test(key) && view(Number(key))) { return true; }
    return "adosmct".includes(key) && (act(key) || onTheList(key));
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !isOn()) { return; }
    if (pressed(event)) { event.preventDefault(); }
  }

  function onlyOne(sheet) { // at a time
    document.querySelectorAll("details.act[open]").forEach(function (each) { if (each !== sheet) { each.open = false; } });
  }

  function hasText() { // what somebody is writing is not folded away
    return Array.from(document.querySelectorAll("details.act[open] textarea")).some(function (each) { return each.value; });
  }

  function onClick(event) {
    var link = event.target.closest("a[href^='#']"), part = link && document.querySelector(link.getAttribute("href"));
    if (part && part.matches("details")) { part.open = true; }
    if (!event.target.closest(".panel") && !hasText()) { onlyOne(event.target.closest("details.act")); }
    if (event.target.closest("#show-keys")) { document.getElementById("key-help").showModal(); }
  }

  // After an act the focus goes to the next alert of the list, where there is one.
  function lead() {
    var place = document.querySelector("#main .place"), all = order(), at = all.indexOf(location.pathname);
    if (place && at >= 0) { place.textContent = place.dataset.words.replace("%", at + 1).replace("%", all.length); }
    var link = document.querySelector("#main a.next"), next = beside(1);
    if (link && next) {
      link.href = next;
      link.hidden = false;
      link.focus();
    }
  }

  function keepOrder() {
    if (location.pathname !== "/") { return; }
    sessionStorage.setItem("order", JSON.stringify(links().map(function (link) { return link.getAttribute("href"); })));
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    window.addEventListener("pagehide", keepOrder);
    document.body.addEventListener("htmx:afterSettle", function (event) { if (event.target.id === "main") { lead(); } });
    lead();
    var wanted = location.hash.slice(1);
    if (wanted === "a") { var first = document.querySelector(".act-bar [data-key=a]"); if (first) { first.focus(); } }
    else if (SHEETS[wanted] || FIELDS[wanted]) { act(wanted); }
  });
})();
