"""Strict simulators of Jira, Bitbucket, the OpenHands app server and Keycloak."""
