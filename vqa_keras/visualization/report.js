"use strict";
// Shows the cards that agree with the filters above them.
const filters = document.querySelector(".filters");
const [result, type, text] = ["result", "type", "text"].map((name) =>
  filters.querySelector(`[name="${name}"]`),
);
const fold = (value) => value.normalize("NFC").toLowerCase();

function agrees(card) {
  const types = [...card.querySelectorAll("data")].map((data) => data.value);
  return (
    (!result.value || card.classList.contains(result.value)) &&
    (!type.value || types.includes(type.value)) &&
    fold(card.querySelector("h3").textContent).includes(fold(text.value.trim()))
  );
}

function update() {
  for (const section of document.querySelectorAll("main section")) {
    let shown = 0;
    for (const card of section.querySelectorAll(".card")) {
      card.hidden = !agrees(card);
      shown += !card.hidden;
    }
    section.querySelector("h2 small").textContent = `${shown} shown`;
  }
}

filters.addEventListener("input", update);
filters.hidden = false; // without scripts there are no filters
