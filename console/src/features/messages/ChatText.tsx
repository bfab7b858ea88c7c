import { Fragment, type ReactNode } from "react";
import c from "./MessageCard.module.css";

const MARKS =
  /(```[^`]+```|\*[^*\s](?:[^*\n]*[^*\s])?\*|_[^_\s](?:[^_\n]*[^_\s])?_|~[^~\s](?:[^~\n]*[^~\s])?~|\{\{[^}]+\}\})/g;

/** Chat mark-up: *bold*, _italic_, ~strike~, ```code```; variables become chips. */
export function ChatText({ text }: { text: string }): ReactNode {
  const lines = text.split("\n");
  return lines.map((line, row) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
    <Fragment key={row}>
      {row > 0 && <br />}
      {line.split(MARKS).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
        <Fragment key={index}>{mark(part)}</Fragment>
      ))}
    </Fragment>
  ));
}

function mark(part: string): ReactNode {
  if (part.length < 3) return part;
  if (part.startsWith("```") && part.endsWith("```")) return <code className="mono">{part.slice(3, -3)}</code>;
  if (part.startsWith("{{") && part.endsWith("}}")) return <span className={c.chip}>{part.slice(2, -2).trim()}</span>;
  const inside = part.slice(1, -1);
  if (part.startsWith("*") && part.endsWith("*")) return <b>{inside}</b>;
  if (part.startsWith("_") && part.endsWith("_")) return <i>{inside}</i>;
  if (part.startsWith("~") && part.endsWith("~")) return <s>{inside}</s>;
  return part;
}
