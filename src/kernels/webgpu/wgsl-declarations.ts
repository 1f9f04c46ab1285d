import { KernelError } from '../op/errors.ts';

/** A top-level declaration of a WGSL file, with its attributes. */
export interface Declaration {
  readonly kind: 'struct' | 'fn' | 'const' | 'alias' | 'var' | 'override' | 'directive' | 'assertion';
  /** Declared name; for directives and assertions, their own text, so that equal ones are one. */
  readonly name: string;
  readonly text: string;
}

const OPENING = '([{';
const CLOSING = ')]}';

/**
 * Splits WGSL into its top-level declarations, comments removed. Knows brackets and comments and no more of the
 * grammar than that: a declaration ends with `;`, or for `fn` and `struct` with the closing brace.
 */
export function parseDeclarations(source: string, file: string): Declaration[] {
  const code = stripComments(source, file);
  const declarations: Declaration[] = [];
  let start = 0;
  let depth = 0;
  for (let at = 0; at < code.length; at++) {
    const character = code[at];
    if (OPENING.includes(character)) depth++;
    else if (CLOSING.includes(character)) depth--;
    if (depth < 0) throw new KernelError(`${file}: a '${character}' without its opening bracket`);
    const ends = depth === 0 && (character === ';' || character === '}');
    if (!ends) continue;
    const text = code.slice(start, at + 1).trim();
    start = at + 1;
    if (text !== ';') declarations.push(classify(text, file));
  }
  if (depth !== 0) throw new KernelError(`${file}: ends inside ${depth} open bracket(s)`);
  const rest = code.slice(start).trim();
  if (rest) throw new KernelError(`${file}: ends inside a declaration: ${firstLine(rest)}`);
  return declarations;
}

/** Comments become blanks; line breaks stay. WGSL's block comments nest, and it has no strings to watch for. */
function stripComments(source: string, file: string): string {
  let code = '';
  let at = 0;
  while (at < source.length) {
    const two = source.slice(at, at + 2);
    if (two === '//') {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else if (two === '/*') {
      const end = blockCommentEnd(source, at, file);
      code += source.slice(at, end).replace(/[^\n]/g, ' ');
      at = end;
    } else {
      code += source[at];
      at++;
    }
  }
  return code;
}

function blockCommentEnd(source: string, start: number, file: string): number {
  let depth = 0;
  for (let at = start; at < source.length - 1; at++) {
    const two = source.slice(at, at + 2);
    if (two === '/*') depth++;
    else if (two === '*/') depth--;
    else continue;
    at++;
    if (depth === 0) return at + 1;
  }
  throw new KernelError(`${file}: a block comment is never closed`);
}

const ATTRIBUTES = String.raw`(?:@\w+(?:\s*\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*)*`;
const NAMED = new RegExp(
  String.raw`^${ATTRIBUTES}(struct|fn|const|alias|var|override)\b\s*(?:<[^>]*>)?\s*([A-Za-z_]\w*)`,
);
const DIRECTIVE = /^(enable|requires|diagnostic)\b/;
const ASSERTION = /^const_assert\b/;

function classify(text: string, file: string): Declaration {
  if (DIRECTIVE.test(text)) return { kind: 'directive', name: text, text };
  if (ASSERTION.test(text)) return { kind: 'assertion', name: text, text };
  const match = NAMED.exec(text);
  if (!match) throw new KernelError(`${file}: not a WGSL declaration: ${firstLine(text)}`);
  return { kind: match[1] as Declaration['kind'], name: match[2], text };
}

function firstLine(text: string): string {
  const line = text.split('\n')[0].trim();
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}

/** A field of a struct. */
export interface StructField {
  readonly name: string;
  readonly type: string;
}

/** The fields of a struct's declaration; throws KernelError naming file and struct for a field that it cannot read. */
export function structFields({ name, text }: Declaration, file: string): StructField[] {
  const body = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'));
  return splitAtCommas(body).map((field) => {
    const match = /^([A-Za-z_]\w*)\s*:\s*([\s\S]+)$/.exec(field);
    if (!match) throw new KernelError(`${file}: cannot read the field \`${field}\` of ${name}`);
    return { name: match[1], type: match[2].replace(/\s+/g, '') };
  });
}

/** Splits at the commas that are not inside `<…>` or `(…)`. */
function splitAtCommas(body: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const character of body) {
    if ('<('.includes(character)) depth++;
    if ('>)'.includes(character)) depth--;
    if (character === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += character;
  }
  return [...parts, part].map((text) => text.trim()).filter(Boolean);
}
