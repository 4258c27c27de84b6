// One live link per browser, however many lists are open in it: a browser gives a server six connections, and links of
// their own would leave none for the seventh page. It runs beside the pages, as a worker that they share. It hears that
// something happened and never what: each page asks for its list itself, and may see what it may see.
"use strict";

var pages = new Set(), link = null, viewer = null;
var known = 0; // the last event that any page or the link has heard of
var toldAt = 0; // when the pages were told last, in milliseconds
var LONGEST_WAIT = 30, SLACK = 2000; // in seconds between two attempts; in milliseconds
var waits = 1;

function tell() {
  toldAt = Date.now();
  pages.forEach(function (page) { page.postMessage("told"); });
}

function connect() {
  if (link || !pages.size) { return; }
  link = new EventSource("/live?after=" + known); // what was missed is told first
  link.addEventListener("alerts", function (event) {
    known = Math.max(known, Number(event.lastEventId) || 0);
    tell();
  });
  link.onopen = function () { waits = 1; };
  link.onerror = function () {
    if (link.readyState !== EventSource.CLOSED) { return; } // the browser tries again by itself
    link = null;
    setTimeout(connect, waits * 1000);
    waits = Math.min(waits * 2, LONGEST_WAIT);
  };
}

function hangUp() {
  if (link) { link.close(); }
  link = null;
}

// A page that comes says what it has heard of, and when it began; what others were told since then it may have missed.
function join(page, asked) {
  if (viewer !== asked.viewer) { hangUp(); }
  viewer = asked.viewer;
  if (!link) { known = pages.size ? Math.min(known, asked.heard) : asked.heard; }
  else if (asked.heard < known || toldAt >= asked.began - SLACK) { page.postMessage("told"); }
  pages.add(page);
  connect();
}

function leave(page) {
  pages.delete(page);
  if (!pages.size) { hangUp(); }
}

function serve(page) {
  page.onmessage = function (event) {
    if (event.data) { join(page, event.data); } else { leave(page); }
  };
}

if ("onconnect" in self) {
  self.onconnect = function (event) { serve(event.ports[0]); };
} else {
  serve(self); // a browser without shared workers: a link for this page alone
}
