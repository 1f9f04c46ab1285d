import { join } from 'node:path';
import { type ImageScore, outermost } from '../../evaluation/image-scores.ts';
import type { EvaluationRun, Split } from '../../evaluation/report.ts';
import { decodeImage } from '../../images/decode-image.ts';
import { readImageFile } from '../files.ts';
import { type Case, casesPage } from '../pages/cases-page.ts';
import { pictureOf } from '../pages/picture.ts';
import { messageOf } from '../terminal.ts';

/** The best and the worst captions that the page shows, of each so many. */
const shown = 30;

/** Pixels along a picture's longer edge, and the quality of its JPEG: about 10 kB a photograph, 600 kB a page. */
const longest = 240;
const quality = 75;

/** The page of a run's best and worst captions. */
export async function casesOf(
  { data, split }: { readonly data: string; readonly split: Split },
  run: EvaluationRun,
  scores: readonly ImageScore[],
  references: ReadonlyMap<string, readonly string[]>,
): Promise<string> {
  const caseOf = async (score: ImageScore): Promise<Case> => ({
    ...score,
    references: references.get(score.image) ?? [],
    ...(await pictured(join(data, score.image))),
  });
  const { best, worst } = outermost(scores, shown);
  return casesPage({
    split,
    run,
    best: await inTurn(best, caseOf),
    worst: await inTurn(worst, caseOf),
  });
}

/** One after the other: a decoded photograph may take hundreds of megabytes. */
async function inTurn(scores: readonly ImageScore[], caseOf: (score: ImageScore) => Promise<Case>) {
  const cases: Case[] = [];
  for (const score of scores) cases.push(await caseOf(score));
  return cases;
}

/** Scores come from cached features, so a picture may have gone since: the page then says so in its place. */
async function pictured(path: string): Promise<Pick<Case, 'picture' | 'trouble'>> {
  try {
    const image = decodeImage(await readImageFile(path), path);
    return { picture: pictureOf(image, longest, quality), trouble: null };
  } catch (error) {
    return { picture: null, trouble: messageOf(error) };
  }
}
