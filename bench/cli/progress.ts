/** Says on standard error what is going on: on one line that is written over in a terminal, else on lines of their own. */
export interface Progress {
  say(line: string): void;
  /** Clears the line, so that other output does not run into it. */
  clear(): void;
}

export function progressTo(stream: NodeJS.WriteStream): Progress {
  if (!stream.isTTY) {
    // A log wants to know which case it is at, not every sample of it.
    let last = '';
    return {
      say(line) {
        const [device, name] = line.split('  ');
        const place = `${device}  ${name ?? ''}`.trimEnd();
        if (place !== last) stream.write(`${place}\n`);
        last = place;
      },
      clear() {},
    };
  }
  return {
    say: (line) => void stream.write(`\r\x1b[2K${line.slice(0, stream.columns - 1)}`),
    clear: () => void stream.write('\r\x1b[2K'),
  };
}
