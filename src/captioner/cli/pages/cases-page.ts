import type { ImageScore } from '../../evaluation/image-scores.ts';
import { type EvaluationRun, searchName } from '../../evaluation/report.ts';
import { html, htmlPage, type Markup } from './html.ts';
import type { Picture } from './picture.ts';

/** An image with what the model and what people say of it. */
export interface Case extends ImageScore {
  readonly references: readonly string[];
  readonly picture: Picture | null;
  /** Why there is no picture; null where there is one. */
  readonly trouble: string | null;
}

export interface Cases {
  readonly split: string;
  readonly run: EvaluationRun;
  /** The best first. */
  readonly best: readonly Case[];
  /** The worst first. */
  readonly worst: readonly Case[];
}

const style = `
ol { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); list-style: none; padding: 0; }
li.case { border-top: 1px solid var(--line); padding-top: .75rem; }
li.case img { display: block; }
.said { font-weight: 600; margin: .5rem 0 .25rem; }
.scores, .name { color: var(--quiet); font-size: .85rem; margin: .25rem 0; overflow-wrap: anywhere; }
li.case ul { font-size: .9rem; margin: .25rem 0; padding-left: 1.1rem; }
`;

/** A page of the best and the worst captions of a run, by CIDEr-D. */
export function casesPage({ split, run, best, worst }: Cases): string {
  const { scores, lengthExponent } = run;
  const search = lengthExponent === null ? '' : `, length exponent ${lengthExponent}`;
  return htmlPage({
    title: 'Best and worst captions',
    body: html`<p>${scores.images} images of ${split}, ${searchName(run)}${search}: CIDEr-D ${scores.CIDEr.toFixed(3)}, BLEU-4 ${scores['BLEU-4'].toFixed(3)}. Images are ordered by the CIDEr-D of their caption; below each caption stands what people wrote.</p>
${list('best', `The ${best.length} best`, best)}
${list('worst', `The ${worst.length} worst`, worst)}`,
    style,
  });
}

function list(id: string, heading: string, cases: readonly Case[]): Markup {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${heading}</h2>
<ol>
${cases.map(item)}
</ol>
</section>
`;
}

function item({ image, caption, CIDEr, 'BLEU-4': bleu, meanLogProbability, ...shown }: Case): Markup {
  const { picture, trouble, references } = shown;
  const view = picture
    ? html`<img src="${picture.url}" width="${picture.width}" height="${picture.height}" alt="${image}">`
    : html`<p class="scores">No picture: ${trouble ?? 'none was read'}</p>`;
  return html`<li class="case">
${view}
<p class="said">${caption === '' ? 'no word' : caption}</p>
<p class="scores">CIDEr-D ${CIDEr.toFixed(3)}, BLEU-4 ${bleu.toFixed(3)}, mean log-probability ${meanLogProbability.toFixed(2)}</p>
<ul>${references.map((sentence) => html`<li>${sentence}</li>`)}</ul>
<p class="name">${image}</p>
</li>
`;
}
