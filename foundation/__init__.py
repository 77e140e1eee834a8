"""The local Cloud Foundry: a CF v3 API, staging and running of real apps in containers, on one machine."""
