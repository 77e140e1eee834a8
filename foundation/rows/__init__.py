"""The rows that the store keeps, one frozen dataclass for each v3 resource; together they are the schema.

A class is named as the API names the resource: `App not found` is made from it.
"""
