// What somebody typed is not lost: not when the page is made anew after an act, not when the server is away, and not
// when her session ends. It stays in this page only; nothing is stored.
(function () {
  "use strict";

  var LEAVES_AFTER = 30 * 60 * 1000; // a page nobody signs in to again is left, and what was on it with it
  var leaving = false, kept = [];

  function byId(id) { return document.getElementById(id); }

  function show(id, shown) {
    var box = byId(id);
    if (box) { box.hidden = !shown; }
  }

  function isChanged(field) {
    if (field.type === "radio" || field.type === "checkbox") { return field.checked !== field.defaultChecked; }
    if (field.tagName === "SELECT") {
      return Array.from(field.options).some(function (option) { return option.selected !== option.defaultSelected; });
    }
    return field.value !== field.defaultValue;
  }

  function changed() {
    var fields = document.querySelectorAll("#main form:not(.filters, #filters, [role=search], [action='/sign-in']) :is(input, select, textarea)");
    return Array.from(fields).filter(function (field) { return field.type !== "hidden" && isChanged(field); });
  }

  function leave(path) {
    leaving = true;
    location.replace(path);
  }

  function keep(sent) {
    kept = changed().filter(function (field) { return field.form !== sent; }).map(function (field) {
      return { form: field.form.getAttribute("action"), name: field.name, type: field.type, value: field.value };
    });
  }

  function putBack() {
    kept.forEach(function (each) {
      var form = Array.from(document.forms).find(function (form) { return form.getAttribute("action") === each.form; });
      Array.from(form ? form.elements : []).forEach(function (field) {
        if (field.name !== each.name) { return; }
        if (each.type === "radio") { field.checked = field.checked || field.value === each.value; }
        else if (!isChanged(field)) { field.value = each.value; }
        if (each.type === "radio" && field.closest(".act")) { return; } // chosen still, and not in the way
        if (field.closest("details")) { field.closest("details").open = true; }
      });
    });
    kept = [];
  }

  function askAgain() {
    var box = byId("again");
    if (!box || !changed().length) { return false; }
    document.body.classList.add("signed-out");
    if (!box.open) {
      box.showModal();
      setTimeout(function () { if (box.open) { leave("/sign-in"); } }, LEAVES_AFTER);
    }
    return true;
  }

  function goOn() {
    document.body.classList.remove("signed-out");
    byId("again").querySelectorAll("form").forEach(function (form) { form.reset(); });
    show("again-refused", false);
    byId("again").close();
  }

  function takeToken(token) { // after signing in anew, here or in another window, what was typed can still be sent
    if (!token) { return; }
    document.querySelectorAll("input[name=_csrf_token]").forEach(function (field) { field.value = token; });
  }

  function onAnswer(event) {
    var xhr = event.detail.xhr, signingIn = event.detail.pathInfo.requestPath === "/sign-in";
    var viewer = xhr.getResponseHeader("X-Viewer");
    if (viewer && document.body.dataset.viewer && viewer !== document.body.dataset.viewer) {
      event.preventDefault(); // another signed in at this browser: nothing of hers is shown to him
      leave("/");
      return;
    }
    takeToken(xhr.getResponseHeader("X-Form-Token"));
    if (signingIn) {
      show("again-refused", xhr.status !== 204);
      if (xhr.status === 204) { goOn(); }
    } else if (xhr.status === 401) {
      if (askAgain()) { event.preventDefault(); } else { leaving = true; }
    } else if (byId("again") && byId("again").open && xhr.status < 300) { goOn(); }
  }

  function onFailure(event) {
    if (event.detail.xhr.status === 401 || event.detail.pathInfo.requestPath === "/sign-in") { return; }
    var asks = event.detail.requestConfig.verb === "get";
    show(asks ? "stale" : "not-done", true);
    if (!asks) { byId("not-done").focus(); }
  }

  function onSuccess(event) {
    if (!event.detail.successful) { return; }
    show("stale", false);
    if (event.detail.requestConfig.verb !== "get") { show("not-done", false); }
  }

  function beforeSwap(event) {
    var target = event.detail.target;
    if (target.getAttribute("aria-live")) { // what was said already is not said again, nor taken from under the focus
      if (target.lastSaid === event.detail.xhr.responseText) { event.detail.shouldSwap = false; }
      target.lastSaid = event.detail.xhr.responseText;
    }
    if (target.id === "main") {
      keep(event.detail.xhr.status < 400 ? event.detail.requestConfig.elt.closest("form") : null);
    }
  }

  document.addEventListener("DOMContentLoaded", function () {
    var body = document.body;
    body.addEventListener("htmx:beforeOnLoad", onAnswer);
    body.addEventListener("htmx:responseError", onFailure);
    body.addEventListener("htmx:sendError", onFailure);
    body.addEventListener("htmx:timeout", onFailure);
    body.addEventListener("htmx:afterRequest", onSuccess);
    body.addEventListener("htmx:beforeSwap", beforeSwap);
    body.addEventListener("htmx:afterSettle", function (event) { if (event.target.id === "main") { putBack(); } });
    body.addEventListener("submit", function (event) { // signing out or another language is leaving, a form of the page is not
      if (!event.target.closest("#main")) { return; }
      leaving = true;
      setTimeout(function () { leaving = false; }, 3000);
    });
    if (byId("again")) { byId("again").addEventListener("cancel", function (event) { event.preventDefault(); }); }
  });
  window.addEventListener("beforeunload", function (event) {
    if (!leaving && changed().length) { event.preventDefault(); }
  });
})();
