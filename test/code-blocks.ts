import { readFileSync } from 'node:fs';

export interface CodeBlock {
  readonly language: string;
  /** What follows the language: the path of the file that the block shows, or nothing. */
  readonly path: string;
  readonly text: string;
}

/** The fenced code blocks of a Markdown file, in order; the indentation of a block within a list is taken off. */
export function codeBlocks(file: string): CodeBlock[] {
  const fences = readFileSync(file, 'utf8').matchAll(/^( *)```(\S+)(?: (\S+))?\n([\s\S]*?)^\1```$/gm);
  return [...fences].map(([, indent, language, path = '', text]) => ({
    language,
    path,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}
