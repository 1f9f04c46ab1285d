/**
 * Tokens as the Penn Treebank has them, by the grammar of the Stanford tokenizer (CoreNLP 3.4.1, PTBLexer.flex), which the
 * COCO caption evaluation runs: at each place the rule wins whose match, what must follow it included, is longest; of equal
 * ones the first. Written anew from the grammar, for what stands in captions: telephone numbers, file names and the
 * alternative spellings of British English are left out.
 */

/** Abbreviations, the full stop left away, that keep it wherever they stand. */
const abbreviations = [
  'jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri',
  'ala ariz calif colo conn ct dak fla ga ind kan kans ky md mich minn mo mont neb nev okla penn tenn va vt wis wisc wyo',
  'inc co cos corp pty ptys ltd plc bancorp bhd assn univ intl sys tel est ext sq jr bros ed.d ph.d esq etc al seq bldg',
  'mr mrs ms dr drs prof profs sen sens rep reps atty attys lt col gen messrs gov govs adm rev maj sgt cpl pvt capt st ste',
  'ave pres lieut rt hon brig comdr cmdr pfc spc supt supts det mt ft adj adv asst assoc ens insp mlle mme msgr sfc sr',
  'vs alex wm jos cie a.k.a cf treas ph invt elec natl mtg mfg dept blvd rd',
];
/** Those that are also words, and so must begin with a capital. */
const capitalised = ['az ark del ill la mass miss ore pa tex wash'];
/** Those that keep their full stop before a number only. */
const beforeNumbers = [
  'ca fig figs prop no nos sec sect secs sects art arts para paras bldg pp op approx rs',
];

/** What files' names end in, of which some are words. */
const fileEndings = [
  'bat bmp bz2 c class cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps py sql tar txt',
  'wav x xml zip',
];

const words = (lists: readonly string[]) => lists.join(' ').split(' ');
const either = (list: readonly string[]) => list.map((word) => word.replaceAll('.', '\\.')).join('|');
/** A letter of any case followed by the rest as it is, for a pattern that minds case. */
const capital = (word: string) =>
  `${word[0].toUpperCase()}(?:${word.slice(1)}|${word.slice(1).toUpperCase()})`;

const letter = '[\\p{L}\\p{M}]';
const alphanumeric = '[\\p{L}\\p{M}\\p{N}]';
const word = `${letter}${alphanumeric}*(?:[.!?]${letter}${alphanumeric}*)*`;
const number = '(?:\\d*(?:[.,]\\d+)+|\\d+(?:[.:,]\\d+)*)';
const acronym = `${letter}(?:\\.${letter})+`;
const reduced = "'(?:[msd]|re|ve|ll)";

interface Rule {
  readonly pattern: RegExp;
  /** Lengths of the parts into which a match falls; default: it is one token. */
  readonly parts?: readonly number[];
  /** What the token is called, where that is not what stands there. */
  readonly name?: (text: string) => string;
}

/** Letters match in either case unless the flags say otherwise; `before` is what must follow the token and counts as matched. */
const rule = (
  token: string,
  {
    before = '',
    flags = 'iuy',
    ...more
  }: Partial<Omit<Rule, 'pattern'>> & { before?: string; flags?: string } = {},
): Rule => ({ pattern: new RegExp(`(${token})${before}`, flags), ...more });

const bracketNames: Readonly<Record<string, string>> = {
  '(': '-lrb-',
  ')': '-rrb-',
  '[': '-lsb-',
  ']': '-rsb-',
  '{': '-lcb-',
  '}': '-rcb-',
};
const withBrackets = (text: string) => text.replace(/[()]/g, (bracket) => bracketNames[bracket]);

const rules: readonly Rule[] = [
  rule('c\\+\\+|[cf]#'),
  rule('cannot', { parts: [3, 3] }),
  rule("'twas", { parts: [2, 3] }),
  rule("'tis", { parts: [2, 2] }),
  rule('gonna|gotta|lemme|gimme|wanna', { parts: [3, 2] }),
  rule('<(?:[!?][a-z-][^>]*|\\/?[a-z][\\w:.-]*(?: [^<>]*)?) *>'),
  rule('[\\u2013-\\u2015]', { name: () => '--' }),
  rule(word, { before: reduced }),
  rule(`${letter}*(?!n)${letter}`, { before: "n['`]t" }),
  rule(word),
  // Words with an apostrophe in them, or with one for what they left out.
  rule("'n'?|[ldj]'|dunkin'|somethin'|ol'|'em|'[2-9]0s|'till?|'cause|cont'd\\.?|nor'easter|c'mon"),
  rule("e'er|s'mores|ev'ry|li'l|nat'l"),
  rule(`[A-HJ-XZn]['\`]${letter}{2,}|${letter}+[aeiouyAEIOUY]['\`][aeiouA-Z]${letter}*`, { flags: 'uy' }),
  rule("y'", { before: letter }),
  rule('(?:ftp|svn|svn\\+ssh|https?|mailto):\\/\\/[^ "<>|(){}]+[^ "\'<>|.!?(){},;:&-]'),
  rule(
    '(?:www\\.(?:[^ "<>|.!?(){},]+\\.)+[a-z]{2,4}|(?:[^ "`\'<>|.!?(){},_$-]+\\.)+(?:com|net|org|edu))(?:\\/[^ "<>|()]+[^ "<>|.!?(){},-])?',
  ),
  rule('[a-z0-9._%+-]+@[a-z0-9][a-z0-9.-]*[a-z0-9]'),
  rule(`@[a-z_]\\w*|#${letter}(?:${alphanumeric}|_)*${alphanumeric}`),
  rule(`${reduced}(?!${letter})`),
  rule(`n['\`]t(?!${letter})`),
  rule('\\d{1,2}[-/]\\d{1,2}[-/]\\d{2,4}'),
  rule(`[-+]?${number}`),
  rule('(?:\\d{1,4}[- ])?\\d{1,4}\\/\\d{1,4}'),
  rule('[¼½¾]', { name: (text) => ({ '¼': '1/4', '½': '1/2', '¾': '3/4' })[text] ?? text }),
  rule('(?:e|yahoo|jeopardy)!'),
  rule('ok!', { before: ' magazine' }),
  rule(`${alphanumeric}+(?:-${letter}+){0,2}(?:\\/${alphanumeric}+(?:-${letter}+){0,2}){1,2}`),
  rule('[A-Z]*\\$|#', { flags: 'uy' }),
  rule(`(?:${either(words(beforeNumbers))})\\.`, { before: ' ?\\d' }),
  rule('(?:so|no)\\.', { before: ' (?:africa|korea|cal)' }),
  rule(`(?:${either(words(abbreviations))}|${acronym}|${letter})\\.`),
  rule(`(?:${words(capitalised).map(capital).join('|')})\\.`, { flags: 'uy' }),
  rule(`${letter}(?:\\.${letter})*`, { before: '(?: |$)' }),
  rule("'\\d\\d", { before: '(?: |$)' }),
  rule(`${alphanumeric}+(?:[-._/]${alphanumeric}+)*\\.(?:${either(words(fileEndings))})`, {
    before: '[ .?!,"\'<]',
  }),
  rule(`${word}\\.`, { before: '[,;:]' }),
  rule("\"|[`']'|``"),
  rule(`[<>]?[:;=][-o*']?[()DPdpO\\\\{@|[\\]](?!${alphanumeric})`, { flags: 'uy', name: withBrackets }),
  rule("[-^x=~<>']_[-^x=~<>']|[\\^x=~<>]\\.[\\^x=~<>]|\\([\\^x=~<>'][_.]?[\\^x=~<>']\\)", {
    name: withBrackets,
  }),
  rule(
    `(?:[dol]['\`]${alphanumeric})?(?:${alphanumeric}+|[-+]?${number})(?:[-_](?:[dol]['\`]${alphanumeric})?(?:${alphanumeric}+|${number}))*`,
  ),
  rule('[A-Z]+(?:[+&][A-Z]+)+', { flags: 'uy' }),
  rule(`${alphanumeric}(?:${alphanumeric}|[.,])*(?:-(?:${alphanumeric}+(?:\\.\\d+)?|${acronym}\\.))+`),
  rule('\\. (?:\\. )+\\.|\\.{2,}|\\u2026', { name: () => '...' }),
  rule('-{2,4}', { name: () => '--' }),
  rule('-{5,}|@+|_+|\\*+|#+|[?!]+|<<|>>'),
  rule('[()[\\]{}]', { name: (text) => bracketNames[text] }),
];

/** A word of letters alone, as most are: no rule finds more there, but those that take it apart. */
const plainWord = /\p{L}{2,}(?= |$)/uy;
const takenApart = new Set(['cannot', 'gonna', 'gotta', 'lemme', 'gimme', 'wanna']);

/** Curly single and double quotes as ASCII has them; the soft hyphen, which is no character of a word, goes. */
function plain(sentence: string): string {
  return sentence
    .replace(/[\u2018\u2019\u201b\u00b4\u0092]/g, "'")
    .replace(/[\u201c-\u201f\u00ab\u00bb]/g, '"')
    .replace(/(?<=\S)\u00ad/g, '')
    .replace(/\u00ad/g, '-')
    .replace(/\s+/g, ' ');
}

/**
 * The tokens of a sentence in lower case, marks of punctuation among them; brackets under the names that the treebank gives
 * them, such as `-lrb-`.
 *
 *     ptbTokens("They're gonna meet Mr. Hu.") // they 're gon na meet mr. hu .
 */
export function ptbTokens(sentence: string): string[] {
  const text = plain(sentence);
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    if (text[at] === ' ') {
      at++;
      continue;
    }
    plainWord.lastIndex = at;
    const easy = plainWord.exec(text)?.[0].toLowerCase();
    if (easy && !takenApart.has(easy)) {
      tokens.push(easy);
      at += easy.length;
      continue;
    }
    let best: { token: string; reach: number; rule: Rule } | null = null;
    for (const candidate of rules) {
      candidate.pattern.lastIndex = at;
      const found = candidate.pattern.exec(text);
      if (found?.[1] && (best === null || found[0].length > best.reach))
        best = { token: found[1], reach: found[0].length, rule: candidate };
    }
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    const token = best?.token ?? character;
    let from = 0;
    for (const length of best?.rule.parts ?? [token.length]) {
      const part = token.slice(from, from + length);
      tokens.push((best?.rule.name?.(part) ?? part).toLowerCase());
      from += length;
    }
    at += token.length;
  }
  return tokens;
}
