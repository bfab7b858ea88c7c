import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import c from "./ui.module.css";

type Kind = "info" | "good" | "warn" | "danger";
const ICON = { info: IconInfoCircle, good: IconCircleCheck, warn: IconAlertTriangle, danger: IconAlertTriangle };

export function Note({
  kind = "info",
  title,
  children,
  action,
}: {
  kind?: Kind;
  title?: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}) {
  const Icon = ICON[kind];
  return (
    <div className={c.note} data-tone={kind}>
      <Icon size={18} aria-hidden="true" />
      <div className={c.noteText}>
        {title && <b>{title}</b>}
        {children && <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}
