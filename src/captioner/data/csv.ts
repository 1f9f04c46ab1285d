import { FormatError } from '../../kernels/op/errors.ts';

/**
 * Comma-separated values (RFC 4180) as rows of fields. Lines end in LF or CRLF; a field in double quotes may hold
 * commas, line ends and doubled quotes; a quote inside an unquoted field stands for itself. Empty lines give no row.
 * @throws FormatError with the line number, for a quoted field that does not end or is followed by text.
 */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  let at = 0;
  // One field a turn: sticky matches of the whole field, then of what ends it.
  const quoted = /"([^"]*(?:""[^"]*)*)"/y;
  const plain = /[^,\r\n]*(?:\r(?!\n)[^,\r\n]*)*/y;
  const end = /,|\r?\n|$/y;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length || row.length > 0) {
    const startLine = line;
    const field = text[at] === '"' ? match(quoted)?.[1].replaceAll('""', '"') : match(plain)?.[0];
    if (field === undefined)
      throw new FormatError(`CSV: the quoted field begun on line ${startLine} does not end.`);
    line += field.split('\n').length - 1;
    const ended = match(end)?.[0];
    if (ended === undefined) {
      throw new FormatError(
        `CSV: line ${line} has text after a closing quote; expected a comma or the line's end.`,
      );
    }
    row.push(field);
    if (ended === ',') continue;
    if (row.length > 1 || field !== '') rows.push(row);
    row = [];
    line++;
  }
  return rows;
}
