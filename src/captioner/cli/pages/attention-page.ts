import script from '../../../../build/attention.page.txt';
import type { AttentionMaps, Caption } from '../../captioner.ts';
import type { RgbImage } from '../../images/rgb-image.ts';
import { html, htmlPage, type Markup } from './html.ts';
import { pictureOf } from './picture.ts';

/** Pixels along a picture's longer edge, and the quality of its JPEG: about 60 kB a photograph. */
const longest = 640;
const quality = 85;

const style = `
.picture { display: inline-block; margin: 0; position: relative; }
.picture img { display: block; }
.picture canvas { height: 100%; inset: 0; pointer-events: none; position: absolute; width: 100%; }
.words { display: flex; flex-wrap: wrap; gap: .35rem; margin: .75rem 0 .25rem; }
.words button { background: none; border: 1px solid var(--line); border-radius: .3rem; color: inherit; cursor: pointer; font: inherit; min-height: 2rem; padding: .1rem .6rem; }
.words button[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.words button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { color: var(--quiet); margin: 0; min-height: 1.5em; }
section { margin: 2.5rem 0; }
`;

/** A page that shows where each word of captions looked: a section an image, in the order in which they are added. */
export class AttentionPage {
  readonly #sections: Markup[] = [];

  get images(): number {
    return this.#sections.length;
  }

  /** Adds an image with its caption, which must hold attention maps. */
  add(name: string, image: RgbImage, caption: Caption): void {
    const { attention } = caption;
    if (attention) this.#sections.push(section(this.images + 1, name, image, caption, attention));
  }

  text(): string {
    return htmlPage({
      title: 'Where each word looked',
      body: html`<p>Point at a word, or choose one with the arrow keys, to see which parts of the picture the model looked at when it wrote that word. Bright is where it looked most, for each word on a scale of its own.</p>
${this.#sections}`,
      style,
      script,
    });
  }
}

function section(
  number: number,
  name: string,
  image: RgbImage,
  { caption, unsure }: Caption,
  { side, first, step, weights }: AttentionMaps,
): Markup {
  const { url, width, height } = pictureOf(image, longest, quality);
  const words = caption === '' ? [] : caption.split(' ');
  const buttons = words.map(
    (word, place) => html`<button type="button" aria-pressed="false" data-weights="${numbers(weights[place])}"
 data-note="${noteOf(word, weights[place], side)}">${word}</button>`,
  );
  return html`<section data-side="${side}" data-first="${first}" data-step="${step}" aria-labelledby="image-${number}">
<h2 id="image-${number}">${name}</h2>
<figure class="picture"><img src="${url}" width="${width}" height="${height}" alt="${name}: ${caption}"><canvas width="192" height="192" aria-hidden="true"></canvas></figure>
<div class="words" role="toolbar" aria-label="Words of the caption of ${name}">
<button type="button" aria-pressed="true" data-note="${unsure ? 'The model is not sure of this caption.' : ''}">picture alone</button>
${buttons}
</div>
<p class="note" aria-live="polite"></p>
</section>
`;
}

/** Three digits are more than a screen shows. */
function numbers(weights: Float32Array): string {
  return Array.from(weights, (weight) => Number(weight.toPrecision(3))).join(' ');
}

/** In words, for those who cannot see the map. */
export function noteOf(word: string, weights: Float32Array, side: number): string {
  const most = weights.indexOf(Math.max(...weights));
  const third = (place: number) => Math.min(2, Math.floor((3 * (place + 0.5)) / side));
  const row = third(Math.floor(most / side));
  const column = third(most % side);
  const where =
    row === 1 && column === 1
      ? 'centre'
      : [['upper', 'middle', 'lower'][row], ['left', 'centre', 'right'][column]].join(' ');
  const percent = (part: number) =>
    part < 0.1 ? `${(100 * part).toPrecision(2)} %` : `${(100 * part).toFixed(0)} %`;
  return `“${word}” looked most at the ${where}: ${percent(weights[most])} on one of ${weights.length} places, where an even look would have ${percent(1 / weights.length)}.`;
}
