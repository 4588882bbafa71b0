"""A browsable page of the API, made from the OpenAPI document; it needs no outside asset and no inline script."""

from __future__ import annotations

from typing import Final

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reqtrail API</title>
<link rel="stylesheet" href="docs.css">
<script src="docs.js" defer></script>
</head>
<body>
<header>
<h1>Reqtrail API</h1>
<p><a href="openapi.json">OpenAPI document</a></p>
<label>Filter <input id="filter" type="search" autocomplete="off"></label>
</header>
<main id="operations" aria-busy="true"><p>Loading…</p></main>
</body>
</html>
"""

STYLE: Final = """:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin: 2rem 0 .5rem; text-transform: capitalize; }
details { border: 1px solid #8886; border-radius: 6px; margin: .4rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4.5rem; }
summary code { margin-inline-end: .8rem; }
pre { overflow: auto; background: #8882; padding: .6rem; border-radius: 6px; }
table { border-collapse: collapse; } td, th { text-align: start; padding: .2rem .8rem .2rem 0; vertical-align: top; }
"""

SCRIPT: Final = """"use strict";
const methods = ["get", "post", "put", "patch", "delete"];

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

function resolved(spec, schema, depth = 0) {
  if (!schema || depth > 6) return schema;
  if (schema.$ref) {
    return resolved(spec, schema.$ref.slice(2).split("/").reduce((at, key) => at[key], spec), depth + 1);
  }
  if (Array.isArray(schema)) return schema.map((item) => resolved(spec, item, depth + 1));
  if (typeof schema !== "object") return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, resolved(spec, value, depth + 1)]));
}

function parameters(list) {
  const rows = list.map((item) => element("tr", "",
    element("td", "", element("code", item.name)), element("td", item.in),
    element("td", item.required ? "required" : ""), element("td", item.description || "")));
  return element("table", "", ...rows);
}

function operation(spec, path, method, item) {
  const summary = element("summary", "",
    element("b", method.toUpperCase()), element("code", path), item.summary || item.operationId);
  const box = element("details", "", summary, element("p", item.description || ""),
    element("p", "Permission: " + item["x-permission"]));
  box.dataset.text = `${method} ${path} ${item.operationId} ${item.summary}`.toLowerCase();
  box.addEventListener("toggle", () => {
    if (!box.open || box.dataset.filled) return;
    box.dataset.filled = "1";
    if (item.parameters) box.append(element("h3", "Parameters"), parameters(item.parameters));
    for (const [type, body] of Object.entries((item.requestBody || {}).content || {})) {
      box.append(element("h3", `Body (${type})`),
        element("pre", JSON.stringify(resolved(spec, body.schema), null, 2)));
    }
    for (const [status, answer] of Object.entries(item.responses)) {
      box.append(element("h3", `${status}: ${answer.description}`));
      for (const body of Object.values(answer.content || {})) {
        box.append(element("pre", JSON.stringify(resolved(spec, body.schema), null, 2)));
      }
    }
  });
  return box;
}

async function show() {
  const main = document.getElementById("operations");
  const spec = await (await fetch("openapi.json")).json();
  const groups = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of methods.filter((name) => item[name])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(spec, path, method, item[method]));
    }
  }
  main.replaceChildren(...[...groups].map(([tag, boxes]) =>
    element("section", "", element("h2", tag), ...boxes)));
  main.removeAttribute("aria-busy");
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const box of main.querySelectorAll("details")) box.hidden = !box.dataset.text.includes(wanted);
  });
}

show();
"""
