// Checks on the text of single files: how long they are and which words they hold.

/** A file is read in one sitting. */
export const longest = 400;

const vague = 'utils?|helpers?|managers?';
const words = [
  [/@ts-(ignore|nocheck|expect-error)/, 'silences the type checker'],
  // Written apart, so that this file does not find itself.
  [
    new RegExp(`\\b(${'TO'}DO|${'FIX'}ME|${'XX'}X)\\b`),
    'a note of unfinished work: finish it or leave it out',
  ],
  [
    /\btypeof (window|document|process|navigator)\b/,
    'asks which platform it is on: make a pair x.node.ts and x.browser.ts',
  ],
  [
    new RegExp(
      `\\b(class|interface|type|function|const|let|enum|namespace)\\s+(\\w*(Utils?|Helpers?|Managers?)|${vague})\\b`,
    ),
    'a name that says nothing: name what it does',
  ],
];
const testWords = [[/^\s*\w+\.only\(/, 'runs one test and passes over the others']];

/** Findings { path, line, message } on one file: its name, its length, its words. */
export function checkSource(path, source) {
  const findings = [];
  const lines = source.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (new RegExp(`(^|[-./])(${vague}|misc|common)([-./]|$)`, 'i').test(path)) {
    findings.push({ path, line: 1, message: 'a file name that says nothing: name what is in it' });
  }
  if (lines.length > longest) {
    findings.push({
      path,
      line: longest + 1,
      message: `${lines.length} lines: a file has at most ${longest}`,
    });
  }
  const wanted = path.startsWith('test/') ? [...words, ...testWords] : words;
  lines.forEach((text, index) => {
    for (const [pattern, message] of wanted) {
      const found = pattern.exec(text);
      if (found) findings.push({ path, line: index + 1, message: `\`${found[0].trim()}\` ${message}` });
    }
  });
  return findings;
}
