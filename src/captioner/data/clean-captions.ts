import type { CaptionedImage } from './captioned-image.ts';

/** What of the captions a training run uses. */
export interface CleanOptions {
  /** `strip` removes a, an and the as `stripArticles` does. Default `keep`. */
  articles?: 'keep' | 'strip';
  /** Longer captions, counted in pieces between single blanks after articles went, are left out. Default: none is. */
  maximumWords?: number;
  /** Only the first so many captions are used. Default: all. */
  maximumCaptions?: number;
}

/**
 * A caption without its articles, by the plain text replacements of the system whose models are loaded here: " a ",
 * " an " and " the " become one blank; "A ", "An " and "The " vanish wherever they stand, so that "USA flag" becomes
 * "USflag" (its vocabulary holds that word, and "uscommercial"). One that opens a caption in lower case stays.
 */
export function stripArticles(caption: string): string {
  const blanks = caption.replaceAll(' a ', ' ').replaceAll(' an ', ' ').replaceAll(' the ', ' ');
  return blanks.replaceAll('A ', '').replaceAll('An ', '').replaceAll('The ', '');
}

/** The captions that training uses; an image of which none is left goes too. The records given are not changed. */
export function cleanCaptions(
  records: readonly CaptionedImage[],
  options: CleanOptions = {},
): CaptionedImage[] {
  const { articles = 'keep', maximumWords = Number.POSITIVE_INFINITY } = options;
  let wanted = options.maximumCaptions ?? Number.POSITIVE_INFINITY;
  const cleaned: CaptionedImage[] = [];
  for (const { image, captions } of records) {
    const kept = captions
      .map((caption) => (articles === 'strip' ? stripArticles(caption) : caption))
      .filter((caption) => caption.trim() !== '' && caption.split(' ').length <= maximumWords)
      .slice(0, wanted);
    wanted -= kept.length;
    if (kept.length > 0) cleaned.push({ image, captions: kept });
  }
  return cleaned;
}
