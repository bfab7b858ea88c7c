import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "./en.json";
import nl from "./nl.json";

type Words = { [key: string]: string | Words };

const flat = (words: Words, before = ""): Map<string, string> =>
  new Map(
    Object.entries(words).flatMap(([key, value]) =>
      typeof value === "string" ? [[before + key, value] as const] : [...flat(value, `${before}${key}.`)],
    ),
  );

const files = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) && !name.includes(".test.") ? [path] : [];
  });

const english = flat(en as Words);
const dutch = flat(nl as Words);
const holes = (text: string | undefined) =>
  [...(text ?? "").matchAll(/\{\{(\w+)\}\}/g)].map((found) => found[1]).sort();

describe("words", () => {
  it("has every key in both languages", () => {
    expect([...dutch.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("has the same holes to fill in both languages", () => {
    const unequal = [...english].filter(([key, text]) => holes(text).join() !== holes(dutch.get(key)).join());
    expect(unequal.map(([key]) => key)).toEqual([]);
  });

  it("knows every key that the code names", () => {
    const named = files(join(__dirname, "..")).flatMap((path) =>
      [...readFileSync(path, "utf8").matchAll(/\bt\(\s*"([\w.-]+)"/g)].map((found) => found[1] ?? ""),
    );
    expect([...new Set(named)].filter((key) => !english.has(key))).toEqual([]);
  });
});
