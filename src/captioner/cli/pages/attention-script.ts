/**
 * The script of the attention page, for the browser that opens it. A map is drawn by cubic B-splines between the centres
 * of the grid's places: smooth, and never above or below the weights themselves.
 */
export const attentionScript = `
'use strict';
// Dark violet over red to light yellow: rising lightness, so that it reads without colours too.
const colours = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];

/** For each pixel along an edge, the four places whose weights it mixes, and how much of each. */
function taps(pixels, side, first, step) {
  return Array.from({ length: pixels }, (_, pixel) => {
    const at = ((pixel + 0.5) / pixels - first) / step;
    const place = Math.floor(at);
    const t = at - place;
    const parts = [(1 - t) ** 3, 3 * t ** 3 - 6 * t ** 2 + 4, -3 * t ** 3 + 3 * t ** 2 + 3 * t + 1, t ** 3];
    return parts.map((part, k) => [Math.min(side - 1, Math.max(0, place - 1 + k)), part / 6]);
  });
}

function draw(canvas, weights, side, first, step) {
  const size = canvas.width;
  const along = taps(size, side, first, step);
  const values = new Float32Array(size * size);
  let most = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      let value = 0;
      for (const [row, up] of along[y]) {
        for (const [column, across] of along[x]) value += up * across * weights[row * side + column];
      }
      values[y * size + x] = value;
      most = Math.max(most, value);
    }
  }
  const context = canvas.getContext('2d');
  const picture = context.createImageData(size, size);
  values.forEach((value, pixel) => {
    const part = most > 0 ? value / most : 0;
    const place = Math.min(colours.length - 2, Math.floor(part * (colours.length - 1)));
    const t = part * (colours.length - 1) - place;
    for (let c = 0; c < 3; c++) {
      picture.data[4 * pixel + c] = (1 - t) * colours[place][c] + t * colours[place + 1][c];
    }
    picture.data[4 * pixel + 3] = 255 * (0.45 + 0.3 * part);
  });
  context.putImageData(picture, 0, 0);
}

for (const section of document.querySelectorAll('section')) {
  const { side, first, step } = section.dataset;
  const canvas = section.querySelector('canvas');
  const note = section.querySelector('.note');
  const buttons = [...section.querySelectorAll('button')];
  let chosen = buttons[0];
  let shown = null;

  const show = (button) => {
    if (button === shown) return;
    shown = button;
    note.textContent = button.dataset.note;
    if (button.dataset.weights) draw(canvas, button.dataset.weights.split(' ').map(Number), +side, +first, +step);
    else canvas.getContext('2d').clearRect(0, 0, canvas.width, canvas.height);
  };
  const choose = (button) => {
    chosen = button;
    for (const each of buttons) {
      each.setAttribute('aria-pressed', String(each === button));
      each.tabIndex = each === button ? 0 : -1;
    }
    show(button);
  };
  const keys = {
    ArrowRight: (place) => (place + 1) % buttons.length,
    ArrowLeft: (place) => (place + buttons.length - 1) % buttons.length,
    Home: () => 0,
    End: () => buttons.length - 1,
    Escape: () => 0,
  };
  for (const [place, button] of buttons.entries()) {
    button.addEventListener('pointerenter', () => show(button));
    button.addEventListener('pointerleave', () => show(chosen));
    button.addEventListener('focus', () => choose(button));
    button.addEventListener('click', () => choose(button));
    button.addEventListener('keydown', (event) => {
      const target = keys[event.key];
      if (!target || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      buttons[target(place)].focus();
    });
  }
  choose(buttons[0]);
}
`;
