// The section of a model's card with the photographs of docs/gallery, their captions, and a judgement of each by eye.
import { table } from './trainings.mjs';

const verdicts = ['right', 'half right', 'wrong'];

/**
 * A judgement counts only for the caption that it was given for: where the model now says another, the photograph is
 * "not judged yet".
 */
function verdictOf(file, caption, judgements) {
  const judgement = judgements[file];
  if (judgement?.caption !== caption) return 'not judged yet';
  if (!verdicts.includes(judgement.verdict)) {
    throw new Error(
      `judgements.json says "${judgement.verdict}" of ${file}, expected ${verdicts.join(', ')}`,
    );
  }
  return judgement.verdict;
}

/** The section; `captions` and `judgements` are by file name, `folder` is the way from the card to the photographs. */
export function photographsText({ photographs, captions, judgements, folder }) {
  const rows = photographs.map(({ file, shows }) => {
    const caption = captions[file];
    if (caption === undefined)
      throw new Error(`gallery.json has no caption of ${file}: run gallery.mjs again`);
    return { file, shows, caption, verdict: verdictOf(file, caption, judgements) };
  });
  const counts = [...verdicts, 'not judged yet']
    .map((verdict) => [rows.filter((row) => row.verdict === verdict).length, verdict])
    .filter(([number]) => number > 0)
    .map(([number, verdict]) => `${number} ${verdict}`)
    .join(', ');
  return `## Photographs and captions

${rows.length} free photographs of many kinds, from none of the data sets above, with all that the model says of them, good and bad: **${counts}**,
judged by eye. Right: what is there is said, and nothing wrong. Half right: the main thing is right, something else is
wrong or missing. The pictures are in the repository, with their authors and terms in \`docs/gallery/README.md\`; the package has the text alone.

${table(
  ['photograph', 'shows', 'caption', 'judged'],
  rows.map(({ file, shows, caption, verdict }) => [
    `<img src="${folder}/${file}" width="120" alt="${shows}">`,
    shows,
    caption,
    verdict,
  ]),
)}
`;
}
