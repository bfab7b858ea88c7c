import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "./Link";
import c from "./ui.module.css";

export type Column<T> = {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  align?: "end";
  wide?: boolean;
  hideSmall?: boolean;
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  rowLink?: (row: T) => string;
  more?: { has: boolean; busy: boolean; load: () => void };
};

/** Rows of one kind. The first cell carries the link, its whole row reacts to a click. */
export function DataTable<T>({ label, columns, rows, rowKey, rowLink, more }: Props<T>) {
  const { t } = useTranslation();
  return (
    <div className={c.tableWrap}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls by keyboard */}
      <section className={`${c.tableScroll} scroll`} aria-label={label} tabIndex={0}>
        <table className={c.table}>
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column.key}
                  scope="col"
                  data-align={column.align}
                  data-small={column.hideSmall ? "hide" : undefined}
                >
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={rowKey(row)} data-link={rowLink ? true : undefined}>
                {columns.map((column, index) => (
                  <td
                    key={column.key}
                    data-align={column.align}
                    data-wide={column.wide || undefined}
                    data-small={column.hideSmall ? "hide" : undefined}
                  >
                    {index === 0 && rowLink ? (
                      <Link className={c.rowLink} to={rowLink(row)}>
                        {column.cell(row)}
                      </Link>
                    ) : (
                      column.cell(row)
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {more?.has && (
        <div className={c.more}>
          <Button variant="default" size="xs" loading={more.busy} onClick={more.load}>
            {t("ui.more")}
          </Button>
        </div>
      )}
    </div>
  );
}
