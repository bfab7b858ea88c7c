import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import c from "./ui.module.css";

type Props = {
  title?: ReactNode;
  hint?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  order?: 2 | 3;
};

export const Card = ({ title, hint, action, children, flush, order = 2 }: Props) => (
  <section className={c.card} data-flush={flush || undefined}>
    {(title || action) && (
      <div className={c.cardHead}>
        <div className={c.cardTitle}>
          {title && (
            <Title order={order} size="h3">
              {title}
            </Title>
          )}
          {hint && <p className={c.hint}>{hint}</p>}
        </div>
        {action}
      </div>
    )}
    {children}
  </section>
);

export const Facts = ({ children }: { children: ReactNode }) => <dl className={c.facts}>{children}</dl>;

export const Fact = ({ label, children }: { label: ReactNode; children: ReactNode }) => (
  <div className={c.fact}>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </div>
);
