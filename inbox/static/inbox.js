// Small things a page does by itself: it says how long until a start, it leads back to the list as it was filtered, it
// puts the keyboard where something was said after an act, and it unfolds what is printed. Everything also works without.
(function () {
  "use strict";

  function relative(moment) {
    var words = document.body.dataset;
    var minutes = Math.round((new Date(moment.dateTime) - Date.now()) / 60000);
    var size = Math.abs(minutes), hours = Math.floor(size / 60);
    var said = size >= 2880 ? Math.floor(hours / 24) + " " + words.day
      : hours ? hours + " " + words.hour + (size % 60 ? " " + size % 60 + " " + words.minute : "")
      : size + " " + words.minute;
    return (minutes < 0 ? words.ago : words.ahead).replace("%", said);
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

  // What still lies ahead, within a day: "42 min", "3 h 42". The server writes the same.
  function countDown() {
    var words = document.body.dataset;
    document.querySelectorAll("time[data-until]").forEach(function (moment) {
      var minutes = Math.round((new Date(moment.dateTime) - Date.now()) / 60000);
      if (minutes <= 0 || minutes >= 1440) { return; }
      var hours = Math.floor(minutes / 60), rest = minutes % 60;
      moment.textContent = !hours ? rest + " " + words.minute
        : rest ? hours + " " + words.hourShort + " " + String(rest).padStart(2, "0") : hours + " " + words.hour;
    });
  }

  // Back to the list as it was filtered; its address holds wards and tiers, never a patient.
  function keepList() {
    if (location.pathname === "/") { sessionStorage.setItem("list", location.search); }
  }

  function toList(event) {
    var back = event.target.closest("#back[href='/']");
    if (back) { back.setAttribute("href", "/" + (sessionStorage.getItem("list") || "")); }
  }

  function start() {
    var box = document.getElementById("keys-on");
    if (box) {
      box.checked = localStorage.getItem("keys") !== "off";
      box.addEventListener("change", function () { localStorage.setItem("keys", box.checked ? "on" : "off"); });
    }
    document.addEventListener("click", toList, true);
    window.addEventListener("pagehide", keepList);
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll(".folds > details").forEach(function (each) { each.open = true; });
    });
    document.body.addEventListener("htmx:afterSettle", function (event) {
      sayHowLong();
      if (event.target.id === "main") { (document.querySelector("#main [data-focus]") || event.target).focus(); }
    });
    var said = document.querySelector("#main [data-focus]");
    if (said) { said.focus(); }
    sayHowLong();
    setInterval(function () { sayHowLong(); countDown(); }, 30000);
  }

  document.addEventListener("DOMContentLoaded", start);
})();
