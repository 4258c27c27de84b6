// What a reader with a screen reader, a keyboard or poor sight would stumble over on this page; [] when nothing.
() => {
  const faults = [];
  const told = (element) => `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""} ${(element.innerText || "").trim().slice(0, 40)}`;
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });

  const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => faults.push(`two elements are called ${id}`));
  for (const name of ["aria-labelledby", "aria-describedby", "aria-controls"]) {
    document.querySelectorAll(`[${name}]`).forEach((element) => element.getAttribute(name).split(/\s+/)
      .filter((id) => !document.getElementById(id)).forEach((id) => faults.push(`${name} of ${told(element)} names nothing: ${id}`)));
  }
  if (document.querySelectorAll("main").length !== 1) { faults.push("there is not one main"); }
  if (document.querySelectorAll("h1").length < 1) { faults.push("there is no h1"); }
  let level = 0;
  document.querySelectorAll("main :is(h1, h2, h3, h4)").forEach((heading) => {
    const now = Number(heading.tagName[1]);
    if (now > level + 1) { faults.push(`a heading skips a level: ${told(heading)}`); }
    level = now;
  });
  if (!document.documentElement.lang) { faults.push("the page says no language"); }
  if (!document.title.split("·")[0].trim()) { faults.push("the page has no title"); }

  document.querySelectorAll("input:not([type=hidden]), select, textarea").forEach((field) => {
    const named = field.labels?.length || field.getAttribute("aria-label") || field.getAttribute("aria-labelledby");
    if (!named) { faults.push(`a field without a label: ${field.name}`); }
  });
  document.querySelectorAll("a[href], button, summary").forEach((element) => {
    if (!element.textContent.trim() && !element.getAttribute("aria-label")) { faults.push(`a control without a name: ${element.outerHTML.slice(0, 80)}`); }
  });
  document.querySelectorAll("fieldset").forEach((group) => { if (!group.querySelector("legend")) { faults.push("a group of fields without a legend"); } });
  document.querySelectorAll("table").forEach((table) => { if (!table.querySelector("th")) { faults.push("a table without headings"); } });
  document.querySelectorAll("section").forEach((part) => {
    if (!part.getAttribute("aria-labelledby") && !part.getAttribute("aria-label")) { faults.push(`a section without a name: ${told(part)}`); }
  });
  document.querySelectorAll("[aria-live], [role=status], [role=alert]").forEach((region) => {
    if (region.querySelector("[aria-live], [role=status], [role=alert]")) { faults.push(`what is given twice: ${told(region)}`); }
  });

  const rgb = (colour) => { const parts = colour.match(/[\d.]+/g).map(Number); return { c: parts.slice(0, 3), a: parts.length > 3 ? parts[3] : 1 }; };
  const over = (top, below) => top.c.map((part, at) => part * top.a + below[at] * (1 - top.a));
  const behind = (element) => {
    if (!element) { return [255, 255, 255]; }
    const colour = rgb(getComputedStyle(element).backgroundColor);
    return colour.a === 1 ? colour.c : over(colour, behind(element.parentElement));
  };
  const light = (colour) => { const [r, g, b] = colour.map((part) => { const s = part / 255; return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b); return (high + 0.05) / (low + 0.05); };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !shown(element) || ["SCRIPT", "STYLE", "OPTION"].includes(element.tagName)) { continue; }
    const style = getComputedStyle(element);
    const ground = behind(element), size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const found = contrast(over(rgb(style.color), ground), ground);
    if (found < needed) { faults.push(`contrast ${found.toFixed(2)} of ${told(element)}`); }
    if (size < 12) { faults.push(`letters of ${size} px: ${told(element)}`); }
  }
  document.querySelectorAll("main :is(input:not([type=hidden]), select, textarea, button)").forEach((field) => {
    if (!shown(field) || field.type === "radio" || field.type === "checkbox") { return; }
    const edge = contrast(rgb(getComputedStyle(field).borderTopColor).c, behind(field.parentElement));
    if (edge < 3) { faults.push(`an edge of contrast ${edge.toFixed(2)}: ${field.name || told(field)}`); }
  });
  document.querySelectorAll("a[href], button, select, summary, input:not([type=hidden], [type=radio], [type=checkbox])").forEach((control) => {
    if (!shown(control) || control.closest("p, li, td, dd, .away, .skip")) { return; }
    const box = control.getBoundingClientRect();
    if (Math.min(box.width, box.height) < 24) { faults.push(`a target of ${Math.round(box.width)} by ${Math.round(box.height)}: ${told(control)}`); }
  });
  return [...new Set(faults)];
}
