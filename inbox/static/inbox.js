// Three small things a page does by itself: it says how long until a start, it moves with j and k, and it puts the
// keyboard where something was said after an act. Everything also works without.
(function () {
  "use strict";
  var UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

  function relative(moment) {
    var format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always", style: "long" });
    var seconds = (new Date(moment.dateTime) - Date.now()) / 1000;
    for (var i = 0; i < UNITS.length; i++) {
      if (Math.abs(seconds) >= UNITS[i][1] || UNITS[i][0] === "minute") {
        return format.format(Math.trunc(seconds / UNITS[i][1]), UNITS[i][0]);
      }
    }
  }

  function sayHowLong() {
    document.querySelectorAll("time[data-relative]").forEach(function (moment) {
      var said = moment.nextElementSibling;
      if (!said || !said.classList.contains("relative")) {
        said = document.createElement("span");
        said.className = "relative";
        moment.after(said);
      }
      said.textContent = relative(moment);
    });
  }

  function move(step) {
    var links = Array.from(document.querySelectorAll(".alert-link"));
    if (!links.length) { return; }
    var at = links.indexOf(document.activeElement);
    var next = at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + step, 0), links.length - 1);
    links[next].focus();
  }

  function onKey(event) {
    var typing = event.target.closest("input, textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("keys") === "off") { return; }
    if (event.key === "j") { move(1); }
    if (event.key === "k") { move(-1); }
    var back = document.getElementById("back");
    if (event.key === "u" && back) { back.click(); }
  }

  function start() {
    var box = document.getElementById("keys-on");
    if (box) {
      box.checked = localStorage.getItem("keys") !== "off";
      box.addEventListener("change", function () { localStorage.setItem("keys", box.checked ? "on" : "off"); });
    }
    document.addEventListener("keydown", onKey);
    document.body.addEventListener("htmx:afterSettle", function (event) {
      sayHowLong();
      var said = event.target.id === "main" && document.querySelector("#main [data-focus]");
      if (said) { said.focus(); }
    });
    var said = document.querySelector("#main [data-focus]");
    if (said) { said.focus(); }
    sayHowLong();
    setInterval(sayHowLong, 30000);
  }

  document.addEventListener("DOMContentLoaded", start);
})();
