/** HTML that is safe as it stands. {@link html} makes it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | readonly Markup[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (character) => entities[character]);
}

/** Markup with values in it: text is escaped for content and for quoted attributes, Markup stands as it is. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(String.raw({ raw: strings.raw }, ...parts.map(escaped)));
}

export interface PageContent {
  readonly title: string;
  readonly body: Markup;
  /** CSS and JavaScript of the page, which hold no text from elsewhere. */
  readonly style: string;
  readonly script?: string;
}

/** Colours and type of every page, by day and by night. */
const sharedStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1b1b; --quiet: #595959; --line: #c9c9c9; --accent: #0b57d0; --on-accent: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161616; --ink: #ececec; --quiet: #b0b0b0; --line: #4a4a4a; --accent: #8ab4f8; --on-accent: #10151c;
  }
}
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
img { height: auto; max-width: 100%; }
`;

/**
 * A whole page in one file. It may load nothing, not even from its own host, and says so to the browser: pictures are data
 * URLs, style and script stand in it.
 */
export function htmlPage({ title, body, style, script }: PageContent): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(sharedStyle + style)}</style>
<body>
<main>
<h1>${title}</h1>
${body}
</main>
${script === undefined ? '' : new Markup(`<script>${script}</script>`)}
</body>
</html>
`;
  return page.text;
}
