/** The script of the attention page, for the browser that opens it: the build makes it text, which the page holds. */
import { drawHeatMap } from '../../heat-map.ts';

for (const section of document.querySelectorAll('section')) {
  const { side, first, step } = section.dataset;
  const canvas = section.querySelector('canvas') as HTMLCanvasElement;
  const note = section.querySelector('.note') as HTMLElement;
  const buttons = [...section.querySelectorAll('button')];
  let chosen = buttons[0];
  let shown: HTMLButtonElement | null = null;

  const show = (button: HTMLButtonElement) => {
    if (button === shown) return;
    shown = button;
    note.textContent = button.dataset.note ?? '';
    const { weights } = button.dataset;
    if (weights) {
      const grid = { side: Number(side), first: Number(first), step: Number(step) };
      drawHeatMap(canvas, grid, Float32Array.from(weights.split(' '), Number));
    } else canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
  };
  const choose = (button: HTMLButtonElement) => {
    chosen = button;
    for (const each of buttons) {
      each.setAttribute('aria-pressed', String(each === button));
      each.tabIndex = each === button ? 0 : -1;
    }
    show(button);
  };
  const keys: Record<string, (place: number) => number> = {
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
