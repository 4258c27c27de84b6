// A short, soft tone when an alert with a notice comes onto the list that was not there, and is nobody's or somebody
// else's. Off unless chosen; browsers allow it only after somebody clicked or pressed a key on the page.
(function () {
  "use strict";

  var audio = null, before = new Set();

  function listed() {
    return new Set(Array.from(document.querySelectorAll(".alert-link"), function (link) { return link.id; }));
  }

  function allow() { audio = audio || new AudioContext(); }

  function ring() {
    if (!audio || audio.state !== "running") { return; }
    var tone = audio.createOscillator(), volume = audio.createGain(), now = audio.currentTime;
    tone.frequency.value = 660;
    volume.gain.setValueAtTime(0, now);
    volume.gain.linearRampToValueAtTime(0.06, now + 0.04);
    volume.gain.linearRampToValueAtTime(0, now + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start(now);
    tone.stop(now + 0.5);
    document.body.dataset.rang = Number(document.body.dataset.rang || 0) + 1;
  }

  document.addEventListener("DOMContentLoaded", function () {
    if (!("sound" in document.body.dataset)) { return; }
    ["pointerdown", "keydown"].forEach(function (kind) { document.addEventListener(kind, allow, { once: true }); });
    document.body.addEventListener("htmx:beforeSwap", function (event) { if (event.target.id === "alerts") { before = listed(); } });
    document.body.addEventListener("htmx:afterSettle", function () {
      var list = document.getElementById("alerts"), called = list && list.dataset.called;
      if (!called) { return; }
      delete list.dataset.called;
      if (called.split(" ").some(function (id) { return !before.has("alert-" + id); })) { ring(); }
    });
  });
})();
