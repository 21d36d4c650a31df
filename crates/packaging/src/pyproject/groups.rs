//! Dependency groups (PEP 735).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::name::GroupName;
use crate::requirement::Requirement;
use crate::specifier::Repair;

use super::PyProjectError;
use super::read::{LenientRequirement, UniqueTable};

/// The groups of a project. Every include leads to a group that exists, and none to itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyGroups(BTreeMap<GroupName, Vec<GroupItem>>);

/// One item of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupItem {
    /// A requirement.
    Requirement(Requirement),
    /// `{include-group = "…"}`: everything that the other group asks for.
    Include(GroupName),
}

impl DependencyGroups {
    pub(super) fn new(
        raw: UniqueTable<GroupName, Vec<RawItem>>,
        repairs: &mut Vec<Repair>,
    ) -> Result<Self, PyProjectError> {
        let mut groups = BTreeMap::new();
        for (name, items) in raw.0 {
            let items = items.into_iter().map(|item| match item {
                RawItem::Requirement(requirement) => GroupItem::Requirement(requirement.finish(repairs)),
                RawItem::Include(group) => GroupItem::Include(group),
            });
            groups.insert(name, items.collect());
        }
        let groups = Self(groups);
        groups.check()?;
        Ok(groups)
    }

    /// Adds what other tools put into groups; it goes behind what is there.
    pub(super) fn extend(&mut self, groups: impl IntoIterator<Item = (GroupName, Vec<Requirement>)>) {
        for (name, requirements) in groups.into_iter().filter(|(_, requirements)| !requirements.is_empty()) {
            let items = requirements.into_iter().map(GroupItem::Requirement);
            self.0.entry(name).or_default().extend(items);
        }
    }

    /// The names of the groups.
    pub fn names(&self) -> impl Iterator<Item = &GroupName> {
        self.0.keys()
    }

    /// What a group says, its includes not followed.
    #[must_use]
    pub fn items(&self, group: &GroupName) -> Option<&[GroupItem]> {
        self.0.get(group).map(Vec::as_slice)
    }

    /// What a group requires, with its includes in their places; a group that comes in several times
    /// counts once. `None` if there is no such group.
    #[must_use]
    pub fn requirements(&self, group: &GroupName) -> Option<Vec<&Requirement>> {
        let mut stack = vec![self.items(group)?.iter()];
        let mut entered = BTreeSet::from([group]);
        let mut requirements = Vec::new();
        while let Some(items) = stack.last_mut() {
            match items.next() {
                Some(GroupItem::Requirement(requirement)) => requirements.push(requirement),
                Some(GroupItem::Include(name)) if entered.insert(name) => {
                    stack.extend(self.items(name).map(<[GroupItem]>::iter));
                }
                Some(GroupItem::Include(_)) => {}
                None => {
                    stack.pop();
                }
            }
        }
        Some(requirements)
    }

    /// Walks every include once, without recursion: a file can hold a chain of many thousands.
    fn check(&self) -> Result<(), PyProjectError> {
        let mut done: BTreeSet<&GroupName> = BTreeSet::new();
        for (root, items) in &self.0 {
            let mut open = BTreeSet::from([root]);
            let mut stack = vec![(root, items.iter())];
            while let Some((group, items)) = stack.last_mut() {
                let group = *group;
                match items.next() {
                    Some(GroupItem::Requirement(_)) => {}
                    Some(GroupItem::Include(name)) if done.contains(name) => {}
                    Some(GroupItem::Include(name)) => {
                        let Some((name, items)) = self.0.get_key_value(name) else {
                            let (group, included) = (group.clone(), name.clone());
                            return Err(PyProjectError::UnknownGroup { group, included });
                        };
                        if !open.insert(name) {
                            return Err(PyProjectError::GroupCycle(name.clone()));
                        }
                        stack.push((name, items.iter()));
                    }
                    None => {
                        open.remove(group);
                        done.insert(group);
                        stack.pop();
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) enum RawItem {
    Requirement(LenientRequirement),
    Include(GroupName),
}

impl<'de> Deserialize<'de> for RawItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = RawItem;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a requirement or {include-group = \"…\"}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawItem, E> {
        LenientRequirement::parse(text).map(RawItem::Requirement).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawItem, A::Error> {
        let unexpected = || A::Error::custom("expected {include-group = \"…\"} and no other key");
        match map.next_key::<String>()?.as_deref() {
            Some("include-group") => {}
            _ => return Err(unexpected()),
        }
        let group = map.next_value()?;
        if map.next_key::<String>()?.is_some() {
            return Err(unexpected());
        }
        Ok(RawItem::Include(group))
    }
}
