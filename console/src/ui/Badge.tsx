import type { ReactNode } from "react";
import c from "./ui.module.css";

export type Tone = "muted" | "info" | "good" | "warn" | "danger" | "brand";

/** A word with a dot: the colour never says it alone. */
export const Badge = ({
  tone = "muted",
  children,
  dot = true,
}: {
  tone?: Tone;
  children: ReactNode;
  dot?: boolean;
}) => (
  <span className={c.badge} data-tone={tone}>
    {dot && <i className={c.dot} aria-hidden="true" />}
    {children}
  </span>
);
