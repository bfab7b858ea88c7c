import { useTranslation } from "react-i18next";
import { Moment } from "@/features/session";
import { titleCase } from "@/lib/ids";
import { Badge, Fact, Facts } from "@/ui";
import type { LineOut } from "./api";
import c from "./profiles.module.css";

const flat = (evidence: Record<string, unknown>): [string, string][] =>
  Object.entries(evidence).flatMap(([name, value]) => {
    if (value === null || value === undefined || value === "") return [];
    if (typeof value === "object")
      return Object.entries(value as object).map(
        ([inner, one]) =>
          [`${name} ${inner}`, typeof one === "object" ? JSON.stringify(one) : String(one)] as [string, string],
      );
    return [[name, String(value)] as [string, string]];
  });

/** The lines of the ledger behind one consent, newest first: source, wording, message, address, moment. */
export function Evidence({ lines }: { lines: LineOut[] }) {
  const { t } = useTranslation();
  if (lines.length === 0) return <p>{t("consent.noProof")}</p>;
  return (
    <ol className={c.proof}>
      {lines.map((line) => (
        <li key={line.id}>
          <div className={c.rowHead}>
            <Badge tone={line.state === "granted" ? "good" : line.state === "withdrawn" ? "danger" : "warn"}>
              {t(`consent.state.${line.state}`, { defaultValue: line.state })}
            </Badge>
            <b>{t(`source.${line.source}`, { defaultValue: line.source })}</b>
          </div>
          <Facts>
            <Fact label={t("consent.effective")}>
              <Moment at={line.effective_at} exact />
            </Fact>
            <Fact label={t("consent.recorded")}>
              <Moment at={line.recorded_at} exact />
            </Fact>
            {line.address && (
              <Fact label={t("profile.address")}>
                <span className="ltr">{line.address}</span>
              </Fact>
            )}
            {flat(line.evidence ?? {}).map(([name, value]) => (
              <Fact key={name} label={t(`evidence.${name}`, { defaultValue: titleCase(name) })}>
                {value}
              </Fact>
            ))}
          </Facts>
        </li>
      ))}
    </ol>
  );
}
