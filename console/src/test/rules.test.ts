import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(__dirname, "..");
const LONGEST_FILE = 300;

const files = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "api" && folder === ROOT) return [];
    return statSync(path).isDirectory() ? files(path) : [path];
  });

const sources = files(ROOT).filter((path) => /\.(ts|tsx|css)$/.test(path));
const written = sources.filter((path) => !/\.test\.tsx?$/.test(path));
const lines = (path: string) => readFileSync(path, "utf8").split("\n");
const where = (path: string, index: number) => `${relative(ROOT, path)}:${index + 1}`;

const find = (paths: string[], pattern: RegExp): string[] =>
  paths.flatMap((path) => lines(path).flatMap((line, index) => (pattern.test(line) ? [where(path, index)] : [])));

describe("the rules of the console", () => {
  it("keeps raw colours in the tokens", () => {
    const free = written.filter((path) => !/theme\/(tokens\.css|ramps\.ts)$/.test(path));
    expect(
      find(free, /#[0-9a-f]{3,8}\b(?!["'`]?\s*\})|\brgba?\(|\bhsla?\(|light-dark\(/i).filter(
        (at) => !at.includes(".test."),
      ),
    ).toEqual([]);
  });

  it("writes logical directions, never left and right", () => {
    const styles = written.filter((path) => path.endsWith(".css"));
    expect(
      find(styles, /(^|[\s;{])(margin|padding|border|inset)?-?(left|right)\s*:|text-align:\s*(left|right)|float:/),
    ).toEqual([]);
  });

  it("keeps files short", () => {
    const long = written.filter((path) => /\.tsx?$/.test(path) && lines(path).length > LONGEST_FILE);
    expect(long.map((path) => relative(ROOT, path))).toEqual([]);
  });

  it("has no default exports and no TODO", () => {
    expect(find(written, /^export default |\bTODO\b/)).toEqual([]);
  });
});
