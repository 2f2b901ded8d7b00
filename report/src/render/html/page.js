
(function () {
  "use strict";
  // Everything on the page is there without this script. It sorts and filters tables, and opens what is folded
  // before printing. It reads numbers from data attributes and never writes markup.
  function value(row, column) {
    var cell = row.cells[column];
    var v = cell.getAttribute("data-v");
    return v === null ? cell.textContent : v === "" ? -Infinity : Number(v);
  }
  function sort(table, column, header) {
    var down = header.getAttribute("aria-sort") !== "descending";
    var rows = Array.prototype.slice.call(table.tBodies[0].rows);
    rows.sort(function (a, b) {
      var x = value(a, column), y = value(b, column);
      var order = typeof x === "number" && typeof y === "number" ? (x < y ? -1 : x > y ? 1 : 0) : String(x).localeCompare(String(y));
      return down ? -order : order;
    });
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th) { th.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.forEach(function (row) { table.tBodies[0].appendChild(row); });
  }
  function sortable(table) {
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (th, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (th.firstChild) button.appendChild(th.firstChild);
      th.appendChild(button);
      button.addEventListener("click", function () { sort(table, column, th); });
    });
  }
  function filterable(tools) {
    var table = document.getElementById(tools.getAttribute("data-for"));
    var text = tools.querySelector("input[type=search]");
    var only = tools.querySelector("input[type=checkbox]");
    var said = tools.querySelector("[role=status]");
    tools.hidden = false;
    function apply() {
      var wanted = text.value.toLowerCase(), shown = 0;
      Array.prototype.forEach.call(table.tBodies[0].rows, function (row) {
        var keep = row.cells[0].textContent.toLowerCase().indexOf(wanted) >= 0 && !(only.checked && row.getAttribute("data-plain") === "1");
        row.hidden = !keep;
        if (keep) shown += 1;
      });
      said.textContent = shown + " of " + table.tBodies[0].rows.length + " rows";
    }
    text.addEventListener("input", apply);
    only.addEventListener("change", apply);
  }
  document.querySelectorAll("table[data-sort]").forEach(sortable);
  document.querySelectorAll("[data-for]").forEach(filterable);
  function open(target) {
    for (var node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  }
  function follow() {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target) { open(target); target.scrollIntoView(); }
  }
  addEventListener("hashchange", follow);
  follow();
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.prototype.filter.call(document.querySelectorAll("details"), function (d) { return !d.open; });
    opened.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () { opened.forEach(function (d) { d.open = false; }); });
})();
