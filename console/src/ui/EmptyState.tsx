import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import c from "./ui.module.css";

/** What this is for, in one sentence, and the one thing to do next. */
export const EmptyState = ({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) => (
  <div className={c.empty}>
    <svg width="120" height="76" viewBox="0 0 120 76" aria-hidden="true" className={c.drawing}>
      <rect x="8" y="12" width="62" height="40" rx="12" className={c.drawA} />
      <path d="M22 52v12l14-12z" className={c.drawA} />
      <rect x="50" y="26" width="62" height="34" rx="12" className={c.drawB} />
      <path d="M98 60v10l-13-10z" className={c.drawB} />
      <path d="M62 38h38M62 47h24" className={c.drawLine} />
    </svg>
    <Title order={2} size="h3">
      {title}
    </Title>
    {children && <div className={c.emptyText}>{children}</div>}
    {action}
  </div>
);
