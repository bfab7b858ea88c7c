import { useTranslation } from "react-i18next";
import { Moment } from "@/features/session";
import { IconCircleCheck, IconCircleX, IconClockPause, Note } from "@/ui";
import type { DecisionOut } from "./api";
import c from "./deliveries.module.css";

const KIND = { allow: "good", exclude: "warn", defer: "info" } as const;

/** The stored answer to "why": each rule in the order it was asked, with the fact that it saw. */
export function DecisionTrace({ decision }: { decision: DecisionOut }) {
  const { t } = useTranslation();
  const kind = KIND[decision.outcome as keyof typeof KIND] ?? "info";
  return (
    <div className={c.trace}>
      <Note kind={kind} title={t(`decision.outcome.${decision.outcome}`, { defaultValue: decision.outcome })}>
        {t(`reason.${decision.reason}`, { defaultValue: decision.summary })}
        {decision.until && (
          <>
            {" "}
            {t("decision.until")} <Moment at={decision.until} exact />
          </>
        )}
      </Note>
      <ol className={c.rules}>
        {decision.rules.map((rule) => {
          const Icon = rule.passed ? IconCircleCheck : decision.outcome === "defer" ? IconClockPause : IconCircleX;
          return (
            <li key={rule.rule} data-passed={rule.passed || undefined} data-outcome={decision.outcome}>
              <Icon size={17} role="img" aria-label={t(rule.passed ? "decision.passed" : "decision.stopped")} />
              <span className={c.ruleName}>{t(`rule.${rule.rule}`, { defaultValue: rule.rule })}</span>
              <span className={c.ruleFact}>{rule.words}</span>
            </li>
          );
        })}
      </ol>
      <p className={c.hint}>
        {t("decision.by", { ruleset: decision.ruleset })} <Moment at={decision.decided_at} exact />
      </p>
    </div>
  );
}
