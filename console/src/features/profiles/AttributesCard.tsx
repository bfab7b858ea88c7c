import { useTranslation } from "react-i18next";
import { Moment } from "@/features/session";
import { shortId, titleCase } from "@/lib/ids";
import { phone } from "@/lib/phones";
import { Badge, Card, CopyText, Fact, Facts } from "@/ui";
import type { ProfileOut } from "./api";
import c from "./profiles.module.css";

const SHOWN_BELOW = new Set(["locale", "language", "timezone", "country"]);

const shown = (value: unknown): string =>
  typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);

export function AttributesCard({ person }: { person: ProfileOut }) {
  const { t } = useTranslation();
  const attributes = Object.entries(person.attributes).filter(([name]) => !SHOWN_BELOW.has(name));
  return (
    <>
      <Card title={t("profile.identities")}>
        <ul className={c.plain}>
          {person.identities.map((identity) => (
            <li key={`${identity.scheme}-${identity.value}`} className={c.identity}>
              <small>{t(`scheme.${identity.scheme}`)}</small>
              <CopyText
                value={identity.value}
                shown={
                  identity.scheme === "phone" || identity.scheme === "wa_id" ? phone(identity.value) : identity.value
                }
              />
              {identity.state !== "active" && <Badge tone="warn">{t(`identityState.${identity.state}`)}</Badge>}
            </li>
          ))}
        </ul>
      </Card>
      <Card title={t("profile.attributes")}>
        {attributes.length === 0 && <p className={c.hint}>{t("profile.noAttributes")}</p>}
        <Facts>
          {attributes.map(([name, value]) => (
            <Fact key={name} label={titleCase(name)}>
              {shown(value)}
            </Fact>
          ))}
        </Facts>
      </Card>
      <Card title={t("ui.details")}>
        <Facts>
          <Fact label={t("profile.language")}>{person.locale ?? "—"}</Fact>
          <Fact label={t("profile.country")}>{person.country ?? "—"}</Fact>
          <Fact label={t("profile.zone")}>{person.timezone ?? "—"}</Fact>
          <Fact label={t("profile.source")}>{person.source}</Fact>
          <Fact label={t("profile.created")}>
            <Moment at={person.created_at} />
          </Fact>
          <Fact label="ID">
            <CopyText value={person.id} shown={`…${shortId(person.id)}`} />
          </Fact>
        </Facts>
      </Card>
    </>
  );
}
