import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { addressLine, nameOf } from "@/features/people";
import { Moment, useLive, useMay } from "@/features/session";
import { useParam } from "@/lib/useParam";
import {
  Badge,
  Button,
  Card,
  DataTable,
  EmptyState,
  ErrorState,
  IconFileUpload,
  IconSearch,
  Link,
  LoadingState,
  PageBody,
  PageHeader,
  PersonAvatar,
  TextInput,
  useDebouncedValue,
} from "@/ui";
import { type ProfileOut, useProfiles } from "./api";
import c from "./profiles.module.css";

export function ProfilesPage() {
  const { t } = useTranslation();
  const may = useMay();
  const [asked, setAsked] = useParam("q");
  const [query, setQuery] = useState(asked);
  const [settled] = useDebouncedValue(query.trim(), 300);
  useEffect(() => setAsked(settled || null), [settled, setAsked]);
  const list = useProfiles(settled);
  useLive(["messages"], [["profiles", "list"]]);
  const rows = list.data?.pages.flatMap((page) => page.items) ?? [];
  const importLink = may("imports.write") && (
    <Link to="/profiles/import" className={c.asButton}>
      <IconFileUpload size={16} aria-hidden="true" /> {t("import.title")}
    </Link>
  );
  return (
    <>
      <PageHeader title={t("nav.profiles")} hint={t("profile.lead")} actions={importLink} />
      <PageBody>
        <TextInput
          type="search"
          maw={420}
          aria-label={t("profile.search")}
          placeholder={t("profile.search")}
          leftSection={<IconSearch size={16} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
        <Card flush>
          {list.isPending && <LoadingState rows={8} />}
          {list.error && <ErrorState error={list.error} onRetry={() => void list.refetch()} />}
          {list.isSuccess && rows.length === 0 && (
            <EmptyState
              title={settled ? t("profile.noneMatch", { query: settled }) : t("profile.none")}
              action={
                settled ? (
                  <Button variant="default" onClick={() => setQuery("")}>
                    {t("delivery.clear")}
                  </Button>
                ) : (
                  importLink
                )
              }
            >
              {settled ? t("profile.noneMatchText") : t("profile.noneText")}
            </EmptyState>
          )}
          {rows.length > 0 && (
            <ProfileTable
              rows={rows}
              more={{ has: list.hasNextPage, busy: list.isFetchingNextPage, load: () => void list.fetchNextPage() }}
            />
          )}
        </Card>
      </PageBody>
    </>
  );
}

function ProfileTable({ rows, more }: { rows: ProfileOut[]; more: { has: boolean; busy: boolean; load: () => void } }) {
  const { t } = useTranslation();
  return (
    <DataTable
      label={t("nav.profiles")}
      rows={rows}
      rowKey={(row) => row.id}
      rowLink={(row) => `/profiles/${row.id}`}
      more={more}
      columns={[
        {
          key: "name",
          title: t("profile.name"),
          cell: (row) => (
            <span className={c.who}>
              <PersonAvatar name={nameOf(row)} />
              <span>
                {nameOf(row)}
                {row.is_test && (
                  <>
                    {" "}
                    <Badge tone="brand">{t("profile.test")}</Badge>
                  </>
                )}
              </span>
            </span>
          ),
        },
        {
          key: "address",
          title: t("profile.address"),
          cell: (row) => <span className="ltr tnum">{addressLine(row)}</span>,
        },
        {
          key: "locale",
          title: t("profile.language"),
          hideSmall: true,
          cell: (row) => [row.locale, row.country].filter(Boolean).join(" · ") || "—",
        },
        { key: "source", title: t("profile.source"), hideSmall: true, cell: (row) => row.source },
        {
          key: "updated",
          title: t("profile.updated"),
          align: "end",
          hideSmall: true,
          cell: (row) => <Moment at={row.updated_at} />,
        },
      ]}
    />
  );
}
