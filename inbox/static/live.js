// The list is drawn anew when something happened. Whoever asks for it is not itself drawn anew, so that what is heard
// while a list is under way is not lost with the old one: it is asked for once more when that list has arrived.
(function () {
  "use strict";

  var AGAIN_AFTER = 5000; // after a list that did not arrive, in milliseconds

  function follow(list) {
    var shared = "SharedWorker" in window;
    var link = shared ? new SharedWorker("/static/link.js").port : new Worker("/static/link.js");

    function draw() { htmx.trigger(list, "told"); }

    link.onmessage = draw;
    link.postMessage({ heard: Number(list.dataset.heard), began: performance.timeOrigin, viewer: document.body.dataset.viewer });
    window.addEventListener("pagehide", function () { link.postMessage(null); });
    window.addEventListener("pageshow", function (event) { if (event.persisted) { location.reload(); } });
    ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach(function (kind) {
      list.addEventListener(kind, function () { setTimeout(draw, AGAIN_AFTER); });
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    var list = document.getElementById("live");
    if (list) { follow(list); }
  });
})();
